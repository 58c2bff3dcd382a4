import type { ChatCompletionRequest } from "intellirouter/plugin";
import { planThinking } from "../anthropic/encode-thinking.ts";
import { asText, given, isObject, type Loose } from "../hub/loose.ts";
import type { Lose } from "../hub/losses.ts";
import type { FamilyTraits } from "./model-family.ts";
import type { BedrockOptions } from "./options.ts";

/** What is asked of the model's thinking, in fields of its maker. */
export interface EffortPlan {
  readonly fields: Loose;
  /** Claude's effort, for its `output_config`. */
  readonly effort?: string;
  /** Tokens that the model may think for; the longest answer must be longer. */
  readonly budget?: number;
  readonly isThinking: boolean;
}

export interface EffortContext {
  readonly traits: FamilyTraits;
  readonly options: BedrockOptions;
  readonly lose: Lose;
  readonly maxTokens: number | undefined;
  readonly isForced: boolean;
}

const nothing: EffortPlan = { fields: {}, isThinking: false };

export function planEffort(request: ChatCompletionRequest, context: EffortContext): EffortPlan {
  const { traits, options, lose, isForced } = context;
  if (traits.claude !== undefined) {
    const maxTokens = context.maxTokens ?? traits.claude.maxOutputTokens;
    const plan = planThinking(request, { traits: traits.claude, options, lose, maxTokens, isForced });
    const budget = plan.thinking?.budget_tokens;
    return {
      fields: given("thinking", plan.thinking),
      ...(plan.effort === undefined ? {} : { effort: plan.effort }),
      ...(typeof budget === "number" ? { budget } : {}),
      isThinking: plan.isOn,
    };
  }
  if (isObject(request.thinking)) {
    lose("thinking", "dropped", "it is Claude's own, and this is another model");
  }
  const effort = asText(request.reasoning_effort);
  if (effort === "") return nothing;
  const { effortField } = traits;
  if (effortField === undefined) {
    if (effort !== "none") lose("reasoning_effort", "dropped", "this model takes no such field");
    return nothing;
  }
  if (effort === "none") {
    if (effortField === "reasoningConfig") {
      return { fields: { reasoningConfig: { type: "disabled" } }, isThinking: false };
    }
    lose("reasoning_effort", "approximated", "this model always thinks; sent as low");
    return { fields: { reasoning_effort: "low" }, isThinking: true };
  }
  const level = effort === "minimal" ? "low" : effort === "xhigh" || effort === "max" ? "high" : effort;
  if (level !== effort) {
    lose("reasoning_effort", "approximated", `this model does not know it; sent as ${level}`);
  }
  return effortField === "reasoningConfig"
    ? { fields: { reasoningConfig: { type: "enabled", maxReasoningEffort: level } }, isThinking: true }
    : { fields: { reasoning_effort: level }, isThinking: true };
}
