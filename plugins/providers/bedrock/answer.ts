import type { CallContext, ChatCompletion, Usage } from "intellirouter/plugin";
import { UpstreamError } from "intellirouter/plugin";
import { claudeFormat } from "../anthropic/encode-reasoning.ts";
import { type Place, placeField } from "../hub/places.ts";
import { asCount, asObject, asText, given, isObject, type Loose, objectsOf } from "../hub/loose.ts";

/** What an answer is read with, whole or in pieces. */
export interface AnswerContext {
  /** The tool whose input is the answer, when one was forced. */
  readonly answerTool: string | undefined;
  /** The API gives answers no name; theirs is the request's. */
  readonly id: string;
  /** Seconds since the epoch: the API does not say when. */
  readonly created: number;
  /** The API does not name the model. */
  readonly model: string;
  /** What was thought can be sent back. */
  readonly isClaude: boolean;
  readonly reportLoss: CallContext["reportLoss"];
}

export type FinishReason = ChatCompletion["choices"][number]["finish_reason"];

/**
 * Why the answer ended, in OpenAI's words (wire §2).
 *
 * @throws {UpstreamError} `bad_response` when the model said what is no answer.
 */
export function toFinishReason(stopReason: unknown, calls: number): FinishReason {
  switch (stopReason) {
    case "max_tokens":
    case "model_context_window_exceeded":
      return "length";
    case "content_filtered":
    case "guardrail_intervened":
    case "refusal":
      return "content_filter";
    case "malformed_model_output":
    case "malformed_tool_use":
      throw new UpstreamError({
        kind: "bad_response",
        message: `The model broke off its answer (${stopReason}).`,
      });
    default:
      return calls > 0 ? "tool_calls" : "stop";
  }
}

/** Bedrock counts what was cached beside the input, OpenAI as a part of it. */
export function toUsage(value: unknown): Usage | undefined {
  if (!isObject(value)) return undefined;
  const read = asCount(value.cacheReadInputTokens);
  const written = asCount(value.cacheWriteInputTokens);
  const prompt = asCount(value.inputTokens) + read + written;
  const output = asCount(value.outputTokens);
  return {
    prompt_tokens: prompt,
    completion_tokens: output,
    total_tokens: prompt + output,
    prompt_tokens_details: { cached_tokens: read, cache_write_tokens: written },
  };
}

export function toServiceTier(value: unknown): Loose {
  const { type } = asObject(value);
  return type === "default" || type === "flex" || type === "priority" ? { service_tier: type } : {};
}

/** Thoughts of Claude as items that clients send back. */
export function reasoningDetail(
  piece: { readonly text?: string; readonly signature?: string; readonly redacted?: string },
  index: number,
  place: Place,
): Loose {
  const common = { format: claudeFormat, index, ...placeField(place) };
  if (piece.redacted !== undefined) return { type: "reasoning.encrypted", data: piece.redacted, ...common };
  return {
    type: "reasoning.text",
    ...given("text", piece.text),
    ...given("signature", piece.signature),
    ...common,
  };
}

/** What a stretch of the text rests on: OpenAI's form for the web, Bedrock's own for documents of the request. */
export function sourceFields(list: unknown, start: number, end: number): Loose {
  const annotations: Loose[] = [];
  const citations: Loose[] = [];
  for (const citation of objectsOf(list)) {
    const { url } = asObject(asObject(citation.location).web);
    if (typeof url === "string") {
      const title = asText(citation.title) || url;
      annotations.push({
        type: "url_citation",
        url_citation: { url, title, start_index: start, end_index: end },
      });
    } else citations.push({ ...citation, start_index: start, end_index: end });
  }
  return {
    ...(annotations.length === 0 ? {} : { annotations }),
    ...(citations.length === 0 ? {} : { citations }),
  };
}

const knownReasons = new Set([
  "end_turn",
  "stop_sequence",
  "tool_use",
  "max_tokens",
  "model_context_window_exceeded",
  "content_filtered",
  "guardrail_intervened",
  "refusal",
]);

/** A turn that was paused could go on, and newer reasons may come; the client's protocol has no words for them. */
export function loseReason(stopReason: unknown, calls: number, { reportLoss }: AnswerContext): void {
  if (typeof stopReason !== "string" || knownReasons.has(stopReason)) return;
  reportLoss({
    field: "choices[0].finish_reason",
    effect: "approximated",
    detail: `the answer ended with "${stopReason}"; told as ${toFinishReason(stopReason, calls)}`,
  });
}

/** What the client's protocol has no place for. */
export function loseBlock(kind: string, index: number, { reportLoss }: AnswerContext): void {
  reportLoss({
    field: `choices[0].message.content[${index}]`,
    effect: "dropped",
    detail: `chat completions have no ${kind} in an answer`,
  });
}
