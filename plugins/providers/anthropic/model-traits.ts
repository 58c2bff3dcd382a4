/** How a Claude model's thinking is turned off. */
export type ThinkingOff =
  /** It is off unless asked for. */
  | "omit"
  | "disabled"
  /** It always thinks; this is the least. */
  | "between_tools"
  | "never";

/** What the API accepts for one model. */
export interface ModelTraits {
  /** The most that `max_tokens` may be. */
  readonly maxOutputTokens: number;
  /** The form in which thinking is asked for. */
  readonly thinking: "adaptive" | "budget" | "none";
  /** `thinking.type: "enabled"` with a budget is not refused. */
  readonly acceptsBudget: boolean;
  readonly thinkingOff: ThinkingOff;
  /** What was thought comes only when `display` asks for it. */
  readonly hidesThinking: boolean;
  /** Values of `output_config.effort`, ascending. */
  readonly efforts: readonly string[];
  /** Whether temperature and top_p may be given: both, one of the two, or neither. */
  readonly sampling: "both" | "one" | "none";
  /** `output_config.format` and strict tools. */
  readonly structuredOutput: boolean;
  /** `tool_choice` may be `any` or `tool`. */
  readonly forcedTools: boolean;
  /** Messages of role `system` may follow a user's. */
  readonly systemInConversation: boolean;
}

interface Version {
  readonly line: string;
  /** 405 for 4.5. */
  readonly number: number;
}

/** What a model is taken for whose name says no version: new ones come more often than this file. */
const newest: Version = { line: "", number: 505 };

/**
 * The line and version in a Claude model's name, wherever it is served: `claude-opus-4-1-20250805`, `claude-3-5-haiku@20241022`,
 * `us.anthropic.claude-sonnet-4-5-20250929-v1:0`. Undefined for other models.
 */
function readVersion(model: string): Version | undefined {
  const name = model.toLowerCase();
  const start = name.lastIndexOf("claude");
  if (start < 0) return undefined;
  const rest = name.slice(start);
  if (/^claude-(instant|v?[12]\b)/.test(rest)) return { line: "", number: 200 };
  const match = rest.match(/^claude-(?:([a-z]+)-)?(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)(?:-([a-z]+))?/);
  if (match === null) {
    const line = rest.match(/^claude-([a-z]+)/)?.[1] ?? "";
    return line === "mythos" ? { line, number: 500 } : { ...newest, line };
  }
  const [, before, major, minor, after] = match;
  return { line: before ?? after ?? "", number: Number(major) * 100 + Number(minor ?? 0) };
}

/** Servers of other vendors that speak this protocol: what the protocol had from the beginning, and budgets. */
const foreign: ModelTraits = {
  maxOutputTokens: 8_192,
  thinking: "budget",
  acceptsBudget: true,
  thinkingOff: "disabled",
  hidesThinking: false,
  efforts: [],
  sampling: "both",
  structuredOutput: false,
  forcedTools: true,
  systemInConversation: false,
};

/**
 * What is known of a model by its name.
 *
 * Sources: Anthropic's pages on thinking, effort, structured outputs and system messages in conversations, the migration guides to
 * 4.6, 4.7, 4.8, 5 and 5.5, and the capabilities that vercel/ai (@ai-sdk/anthropic 4.0) lists. The test beside this file is the table.
 */
export function modelTraits(model: string): ModelTraits {
  const version = readVersion(model);
  if (version === undefined) return foreign;
  const { line, number } = version;
  const isAlwaysThinking = line === "fable" || line === "mythos";
  const isOfFive = number >= 500 || isAlwaysThinking;
  const isAdaptive = number >= 406 || isAlwaysThinking;
  // Opus 4.7 began what Sonnet and Haiku took over with 5.
  const isStrict = isOfFive || (line === "opus" && number >= 407);
  const isOfFiveFive = number >= 505;
  return {
    maxOutputTokens: maxOutputTokens(line, number),
    thinking: isAdaptive ? "adaptive" : number >= 307 ? "budget" : "none",
    acceptsBudget: number >= 307 && !isStrict,
    thinkingOff: thinkingOff(line, number, isAlwaysThinking),
    hidesThinking: isStrict,
    efforts: !isAdaptive ? [] : ["low", "medium", "high", ...isStrict ? ["xhigh"] : [], "max"],
    sampling: isStrict ? "none" : isEitherTemperatureOrTopP(line, number) ? "one" : "both",
    structuredOutput: number >= 405 || (line === "opus" && number >= 401),
    forcedTools: !(line !== "haiku" && isOfFiveFive) && !(isAlwaysThinking && number >= 501),
    systemInConversation: isOfFiveFive || isAlwaysThinking || (line === "opus" && number >= 408),
  };
}

function maxOutputTokens(line: string, number: number): number {
  if (number >= 406) return 128_000;
  if (number >= 405) return 64_000;
  if (number >= 400) return line === "opus" ? 32_000 : 64_000;
  if (number >= 307) return 64_000;
  return number >= 305 ? 8_192 : 4_096;
}

function thinkingOff(line: string, number: number, isAlwaysThinking: boolean): ThinkingOff {
  if (isAlwaysThinking) return "never";
  if (number < 500) return "omit";
  if (number < 505 || line === "haiku") return "disabled";
  return line === "sonnet" ? "between_tools" : "never";
}

/** From Opus 4.1, and from 4.5 for the others, the API refuses both at once. */
function isEitherTemperatureOrTopP(line: string, number: number): boolean {
  return number >= 405 || (line === "opus" && number >= 401);
}
