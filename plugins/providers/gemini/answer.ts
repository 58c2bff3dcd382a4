import { type CallContext, type ChatCompletion, UpstreamError } from "intellirouter/plugin";
import { asObject, asText, type Loose } from "../hub/loose.ts";

/** What an answer is read with, whole or in pieces. */
export interface AnswerContext {
  /** The gateway's id, for calls that come without one in answers without one. */
  readonly requestId: string;
  /** Seconds since the epoch, where the API does not say when. */
  readonly created: number;
  /** Where the API does not name the model. */
  readonly model: string;
  readonly reportLoss: CallContext["reportLoss"];
}

export type FinishReason = ChatCompletion["choices"][number]["finish_reason"];

/** The model made something that is no answer; it may do better the next time. */
const failures = new Set([
  "MALFORMED_FUNCTION_CALL",
  "MALFORMED_RESPONSE",
  "UNEXPECTED_TOOL_CALL",
  "TOO_MANY_TOOL_CALLS",
  "MISSING_THOUGHT_SIGNATURE",
]);

/** Why an answer ended, in OpenAI's words (wire §2). */
export function toFinishReason(reason: string, calls: number): FinishReason {
  switch (reason) {
    case "STOP":
    case "FINISH_REASON_UNSPECIFIED":
    case "NO_IMAGE":
      return calls > 0 ? "tool_calls" : "stop";
    case "MAX_TOKENS":
    // A very long answer, of which this was as much as one request gives.
    case "CONTINUATION":
      return "length";
    default:
      // The rest are kinds of filters: SAFETY, RECITATION, LANGUAGE, BLOCKLIST, PROHIBITED_CONTENT, SPII, IMAGE_SAFETY, OTHER, …
      return "content_filter";
  }
}

/** @throws {UpstreamError} where a candidate ended in what is no answer. */
export function throwFailure({ finishReason, finishMessage }: Loose): void {
  const reason = asText(finishReason);
  if (!failures.has(reason)) return;
  throw new UpstreamError({
    kind: "bad_response",
    code: reason.toLowerCase(),
    message: asText(finishMessage) || `the model broke off its answer (${reason})`,
  });
}

/** @throws {UpstreamError} where the API would not answer such a prompt. */
export function throwBlocked(answer: Loose): void {
  const { blockReason, blockReasonMessage } = asObject(answer.promptFeedback);
  const reason = asText(blockReason);
  if (reason === "" || reason === "BLOCKED_REASON_UNSPECIFIED") return;
  throw new UpstreamError({
    kind: "content_filter",
    code: "content_filter",
    message: asText(blockReasonMessage) || `The prompt was blocked (${reason}).`,
  });
}

/** What all pieces of an answer have in common. */
export function answerHead(answer: Loose, context: AnswerContext) {
  const created = Date.parse(asText(answer.createTime)) / 1000;
  return {
    id: asText(answer.responseId),
    model: asText(answer.modelVersion) || context.model,
    created: created > 0 ? Math.floor(created) : context.created,
  };
}
