import type { ChatCompletionRequest } from "intellirouter/plugin";
import { asText, isObject, type Loose } from "../hub/loose.ts";
import type { Lose } from "../hub/losses.ts";
import type { ModelTraits } from "./model-traits.ts";
import type { ClaudeOptions } from "./options.ts";

/** What is asked of the model's thinking. */
export interface ThinkingPlan {
  readonly thinking?: Loose;
  /** For `output_config.effort`. */
  readonly effort?: string;
  /** It will think, so that the rules for sampling and forced calls hold. */
  readonly isOn: boolean;
}

export interface ThinkingContext {
  readonly traits: ModelTraits;
  readonly options: ClaudeOptions;
  readonly lose: Lose;
  /** Longest answer, thinking included. */
  readonly maxTokens: number;
  /** A tool call is forced, which goes without thinking alone. */
  readonly isForced: boolean;
}

const order = ["low", "medium", "high", "xhigh", "max"];

/** Tokens for models that want a number; beyond 32,000 little is gained (Anthropic: "Extended thinking"). */
const budgets: ReadonlyMap<string, number> = new Map(Object.entries({
  minimal: 1_024,
  low: 2_048,
  medium: 8_192,
  high: 24_576,
  xhigh: 32_000,
  max: 32_000,
}));

const leastBudget = 1_024;

/** What `reasoning_effort`, or Anthropic's own `thinking`, comes to on this model. */
export function planThinking(request: ChatCompletionRequest, context: ThinkingContext): ThinkingPlan {
  const native = isObject(request.thinking) ? request.thinking : undefined;
  const effort = asText(request.reasoning_effort);
  if (native === undefined && effort === "") return { isOn: false };
  const field = native === undefined ? "reasoning_effort" : "thinking";
  if (native?.type === "disabled" || (native === undefined && effort === "none")) {
    return turnOff(field, context);
  }
  const style = context.options.thinking === "auto" ? context.traits.thinking : context.options.thinking;
  if (style === "none") {
    context.lose(field, "dropped", "this model does not think");
    return { isOn: false };
  }
  const plan = style === "adaptive"
    ? planAdaptive(native, effort, context)
    : planBudget(native, effort, context);
  if (!context.isForced || !plan.isOn) return plan;
  // "Thinking may not be enabled when tool_choice forces tool use."
  context.lose(field, "approximated", "a forced tool call goes without thinking");
  return { ...given("effort", plan.effort), isOn: false };
}

function turnOff(field: string, { traits, lose }: ThinkingContext): ThinkingPlan {
  switch (traits.thinkingOff) {
    case "omit":
      return { isOn: false };
    case "disabled":
      return { thinking: { type: "disabled" }, isOn: false };
    case "between_tools":
      lose(field, "approximated", "this model always thinks, with this only between tool calls");
      return { thinking: { type: "between_tools" }, isOn: false };
    case "never":
      lose(field, "approximated", "this model always thinks, with low effort the least");
      return { effort: "low", isOn: false };
  }
}

function planAdaptive(native: Loose | undefined, effort: string, context: ThinkingContext): ThinkingPlan {
  const { traits, options, lose } = context;
  const budget = native?.budget_tokens;
  if (native?.type === "enabled" && traits.acceptsBudget && options.thinking === "auto") {
    return { thinking: native, ...given("effort", pickEffort(effort, context)), isOn: true };
  }
  const asked = effort === "" && typeof budget === "number" ? effortOf(budget) : effort;
  if (native?.type === "enabled") {
    lose("thinking", "approximated", "this model decides itself how much it thinks; sent as an effort");
  }
  const display = native?.display ??
    (options.thinking_display === "model" || !traits.hidesThinking ? undefined : options.thinking_display);
  return {
    thinking: native !== undefined && native.type !== "enabled"
      ? native
      : { type: "adaptive", ...given("display", display) },
    ...given("effort", pickEffort(asked, context)),
    isOn: true,
  };
}

/** The next lower effort that the model knows. */
function pickEffort(effort: string, { traits, lose }: ThinkingContext): string | undefined {
  if (effort === "" || traits.efforts.length === 0) return undefined;
  // What nobody knows yet the API may.
  if (traits.efforts.includes(effort) || !(order.includes(effort) || effort === "minimal")) return effort;
  const lower = order.slice(0, Math.max(0, order.indexOf(effort))).findLast((each) =>
    traits.efforts.includes(each)
  );
  const picked = lower ?? traits.efforts[0]!;
  lose("reasoning_effort", "approximated", `this model does not know it; sent as ${picked}`);
  return picked;
}

function planBudget(native: Loose | undefined, effort: string, context: ThinkingContext): ThinkingPlan {
  const { maxTokens, lose } = context;
  if (native?.type === "enabled") return { thinking: native, isOn: true };
  if (native !== undefined) lose("thinking", "approximated", "this model wants a number of tokens");
  const wanted = budgets.get(effort) ?? budgets.get("medium")!;
  // The client's limit holds for thoughts and answer together, and some of it must be left for the answer.
  const budget = Math.min(wanted, Math.floor(maxTokens * 3 / 4));
  const field = native === undefined ? "reasoning_effort" : "thinking";
  if (budget < leastBudget) {
    lose(field, "dropped", "the limit of the answer leaves too few tokens for thinking");
    return { isOn: false };
  }
  return { thinking: { type: "enabled", budget_tokens: budget }, isOn: true };
}

function effortOf(budget: number): string {
  if (budget <= 4_096) return "low";
  return budget <= 16_384 ? "medium" : "high";
}

function given<Field extends string>(field: Field, value: unknown): Partial<Record<Field, string>> {
  return typeof value === "string" ? { [field]: value } as Record<Field, string> : {};
}
