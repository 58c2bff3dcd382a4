import { UpstreamError } from "../../plugin/api/upstream-error.ts";

export type FinishReason = "stop" | "length" | "tool_calls" | "content_filter" | "function_call";

const own: ReadonlySet<unknown> = new Set<FinishReason>([
  "stop",
  "length",
  "tool_calls",
  "content_filter",
  "function_call",
]);

/** Words of other protocols and of backends that leak their own (wire facts §2). */
const foreign: ReadonlyMap<string, FinishReason> = new Map(Object.entries<FinishReason>({
  eos: "stop",
  eos_token: "stop",
  end_turn: "stop",
  stop_sequence: "stop",
  complete: "stop",
  max_tokens: "length",
  model_length: "length",
  max_length: "length",
  model_context_window_exceeded: "length",
  tool_use: "tool_calls",
  tool_call: "tool_calls",
  safety: "content_filter",
  recitation: "content_filter",
  blocklist: "content_filter",
  prohibited_content: "content_filter",
  spii: "content_filter",
  image_safety: "content_filter",
  error_toxic: "content_filter",
  refusal: "content_filter",
  content_filtered: "content_filter",
  guardrail_intervened: "content_filter",
}));

const failures = new Set(["error", "insufficient_system_resource", "malformed_function_call"]);

export function isFinishReason(value: unknown): value is FinishReason {
  return own.has(value);
}

/**
 * The protocol's word for why an answer ended. With calls in the answer it is `tool_calls`, whatever the backend says, unless
 * the answer was cut short; without any it is not.
 *
 * @throws {UpstreamError} when the word means that the backend failed.
 */
export function finishReason(value: unknown, sawToolCall: boolean): FinishReason {
  const word = String(value).toLowerCase().replace(/[-\s]/g, "_");
  if (failures.has(word)) {
    throw new UpstreamError({
      kind: "unavailable",
      message: `The backend broke off its answer (finish_reason "${word}").`,
    });
  }
  const reason = isFinishReason(word) ? word : foreign.get(word) ?? "stop";
  if (sawToolCall) return reason === "stop" ? "tool_calls" : reason;
  return reason === "tool_calls" ? "stop" : reason;
}
