import { expect, test } from "bun:test";
import { familyTraits } from "./model-family.ts";

const row = (model: string) => {
  const { claude, effortField, structuredOutput, forcedTools, cachePoints, shortCallIds } = familyTraits(
    model,
  );
  return [claude !== undefined, effortField, structuredOutput, forcedTools, cachePoints, shortCallIds];
};

test("what a model takes follows from its maker's name, wherever that stands", () => {
  for (
    const [model, ...traits] of [
      ["us.anthropic.claude-sonnet-4-5-20250929-v1:0", true, undefined, true, "named", true, false],
      ["anthropic.claude-3-haiku-20240307-v1:0", true, undefined, false, "named", true, false],
      ["global.anthropic.claude-opus-4-7", true, undefined, false, "named", true, false],
      ["global.anthropic.claude-opus-5-5", true, undefined, true, "no", true, false],
      [
        "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-opus-4-6-v1",
        true,
        undefined,
        true,
        "named",
        true,
        false,
      ],
      ["us.amazon.nova-pro-v1:0", false, undefined, false, "named", true, false],
      ["us.amazon.nova-2-lite-v1:0", false, "reasoningConfig", false, "named", true, false],
      ["openai.gpt-oss-120b-1:0", false, "reasoning_effort", true, "no", false, false],
      ["us.meta.llama3-3-70b-instruct-v1:0", false, undefined, false, "no", false, false],
      ["mistral.mistral-large-2402-v1:0", false, undefined, false, "any", false, true],
      ["us.deepseek.r1-v1:0", false, undefined, false, "no", false, false],
      ["deepseek.v3-v1:0", false, undefined, true, "no", false, false],
      ["qwen.qwen3-235b-a22b-2507-v1:0", false, undefined, true, "no", false, false],
      [
        "arn:aws:bedrock:us-east-1:1:application-inference-profile/abc",
        false,
        undefined,
        false,
        "named",
        false,
        false,
      ],
    ] as const
  ) expect([model, ...row(model)]).toEqual([model, ...traits]);
});
