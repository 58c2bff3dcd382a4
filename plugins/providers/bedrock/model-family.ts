import { type ModelTraits, modelTraits } from "../anthropic/model-traits.ts";

/** What the Converse API accepts for the models of one maker. */
export interface FamilyTraits {
  /** Claude's own traits; undefined for other makers' models. */
  readonly claude: ModelTraits | undefined;
  /** How hard a model is to think is said in a field of the maker's own. */
  readonly effortField: "reasoningConfig" | "reasoning_effort" | undefined;
  /** `outputConfig.textFormat` and strict tools. */
  readonly structuredOutput: boolean;
  /** `toolChoice` may be `any`; and `tool`, too. */
  readonly forcedTools: "any" | "named" | "no";
  readonly cachePoints: boolean;
  /** Ids of calls have exactly nine letters and digits. */
  readonly shortCallIds: boolean;
}

/**
 * Claude models for which Bedrock's own copy of the Messages schema does not know the format of answers, or that do not keep to it there
 * (vercel/ai, @ai-sdk/amazon-bedrock: bedrock-anthropic-model-support).
 */
const withoutFormat = /claude-(opus-4-[78]|opus-5|fable-5|sonnet-5|sonnet-4-6|haiku-4-5)/;

/** Makers whose open models are held to schemas (AWS: "Get validated JSON results from models"). */
const withFormat =
  /(^|[./])(openai|qwen|moonshotai?|minimax|nvidia|google|zai|deepseek\.v3|mistral\.(ministral|magistral|voxtral|devstral|mistral-large-3))/;

/**
 * What is known of a model by its id: `anthropic.claude-…`, `us.amazon.nova-pro-v1:0`, or the name of an inference profile that holds
 * one of these.
 *
 * Source for tool choices: AWS API reference, ToolChoice ("any": Claude, Nova, Mistral Large; "tool": Claude, Nova).
 */
export function familyTraits(model: string): FamilyTraits {
  const isClaude = model.includes("claude");
  if (isClaude) {
    const claude = modelTraits(model);
    return {
      claude,
      effortField: undefined,
      // Where no call can be forced, there is no other way to hold it to a schema.
      structuredOutput: claude.structuredOutput && !(withoutFormat.test(model) && claude.forcedTools),
      forcedTools: claude.forcedTools ? "named" : "no",
      cachePoints: true,
      shortCallIds: false,
    };
  }
  const isNova = model.includes("amazon.nova");
  const isMistral = model.includes("mistral.");
  const isOther = /(meta|cohere|ai21|writer|deepseek|openai|qwen|moonshotai?|minimax|nvidia|google|zai)\./
    .test(
      model,
    );
  return {
    claude: undefined,
    effortField: /amazon\.nova-2/.test(model)
      ? "reasoningConfig"
      : /openai\.gpt-oss/.test(model)
      ? "reasoning_effort"
      : undefined,
    structuredOutput: withFormat.test(model),
    forcedTools: isMistral ? "any" : isOther ? "no" : "named",
    cachePoints: isNova,
    shortCallIds: isMistral,
  };
}
