import { expect, test } from "bun:test";
import { modelTraits } from "./model-traits.ts";

const row = (model: string) => {
  const { maxOutputTokens, thinking, acceptsBudget, thinkingOff, sampling, forcedTools, structuredOutput } =
    modelTraits(model);
  return [maxOutputTokens, thinking, acceptsBudget, thinkingOff, sampling, forcedTools, structuredOutput];
};

test("what the API accepts follows from the model's line and version", () => {
  for (
    const [model, ...traits] of [
      ["claude-3-haiku-20240307", 4_096, "none", false, "omit", "both", true, false],
      ["claude-3-5-sonnet-20241022", 8_192, "none", false, "omit", "both", true, false],
      ["claude-3-7-sonnet-20250219", 64_000, "budget", true, "omit", "both", true, false],
      ["claude-sonnet-4-20250514", 64_000, "budget", true, "omit", "both", true, false],
      ["claude-opus-4-20250514", 32_000, "budget", true, "omit", "both", true, false],
      ["claude-opus-4-1-20250805", 32_000, "budget", true, "omit", "one", true, true],
      ["claude-sonnet-4-5-20250929", 64_000, "budget", true, "omit", "one", true, true],
      ["claude-haiku-4-5", 64_000, "budget", true, "omit", "one", true, true],
      ["claude-opus-4-6", 128_000, "adaptive", true, "omit", "one", true, true],
      ["claude-sonnet-4-6", 128_000, "adaptive", true, "omit", "one", true, true],
      ["claude-opus-4-7", 128_000, "adaptive", false, "omit", "none", true, true],
      ["claude-sonnet-5", 128_000, "adaptive", false, "disabled", "none", true, true],
      ["claude-opus-5", 128_000, "adaptive", false, "disabled", "none", true, true],
      ["claude-haiku-5-5", 128_000, "adaptive", false, "disabled", "none", true, true],
      ["claude-sonnet-5-5", 128_000, "adaptive", false, "between_tools", "none", false, true],
      ["claude-opus-5-5", 128_000, "adaptive", false, "never", "none", false, true],
      ["claude-fable-5", 128_000, "adaptive", false, "never", "none", true, true],
      ["claude-mythos-5-2", 128_000, "adaptive", false, "never", "none", false, true],
    ] as const
  ) expect([model, ...row(model)]).toEqual([model, ...traits]);
});

test("names of other hosts are the same models", () => {
  for (
    const [alias, model] of [
      ["us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5"],
      ["global.anthropic.claude-opus-4-6-v1", "claude-opus-4-6"],
      ["anthropic.claude-3-5-haiku-20241022-v1:0", "claude-3-5-haiku-latest"],
      ["anthropic/claude-opus-4.7", "claude-opus-4-7"],
      ["claude-opus-4-1@20250805", "claude-opus-4-1"],
      ["anthropic.claude-v2:1", "claude-2.1"],
      ["claude-instant-1.2", "claude-2.1"],
    ] as const
  ) expect([alias, modelTraits(alias)]).toEqual([alias, modelTraits(model)]);
});

test("a Claude without a known version is a new one, and what is no Claude is asked as of old", () => {
  expect(modelTraits("claude-next")).toEqual(modelTraits("claude-opus-5-5"));
  expect(modelTraits("claude-opus-7")).toEqual(modelTraits("claude-opus-5-5"));
  expect(row("kimi-k2")).toEqual([8_192, "budget", true, "disabled", "both", true, false]);
});

test("efforts grew with the models", () => {
  expect(modelTraits("claude-sonnet-4-5").efforts).toEqual([]);
  expect(modelTraits("claude-sonnet-4-6").efforts).toEqual(["low", "medium", "high", "max"]);
  expect(modelTraits("claude-sonnet-5").efforts).toEqual(["low", "medium", "high", "xhigh", "max"]);
});

test("instructions in the middle are taken from Opus 4.8 on, and not by Sonnet 5", () => {
  const takes = (model: string) => modelTraits(model).systemInConversation;
  expect(["claude-opus-4-7", "claude-sonnet-5", "claude-sonnet-4-6"].filter(takes)).toEqual([]);
  expect(["claude-opus-4-8", "claude-opus-5", "claude-sonnet-5-5", "claude-fable-5"].every(takes)).toBe(true);
});
