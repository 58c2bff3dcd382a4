import type { CallContext, ChatCompletion } from "intellirouter/plugin";
import { asObject, asText, given, type Loose, objectsOf } from "../hub/loose.ts";
import { type Place, placeField } from "../hub/places.ts";
import { claudeFormat } from "./encode-reasoning.ts";

/** What an answer is read with, whole or in pieces. */
export interface AnswerContext {
  /** The tool whose input is the answer, when one was forced. */
  readonly answerTool: string | undefined;
  /** Seconds since the epoch: the API does not say when. */
  readonly created: number;
  /** Where the API does not name the model. */
  readonly model: string;
  readonly reportLoss: CallContext["reportLoss"];
}

export type FinishReason = ChatCompletion["choices"][number]["finish_reason"];

/** Why the answer ended, in OpenAI's words (wire §2). */
export function toFinishReason(stopReason: unknown, calls: number): FinishReason {
  switch (stopReason) {
    case "max_tokens":
    case "model_context_window_exceeded":
      return "length";
    case "refusal":
      return "content_filter";
    default:
      return calls > 0 ? "tool_calls" : "stop";
  }
}

/** What the API says when its classifiers stopped the answer. */
export function toRefusal(stopReason: unknown, details: unknown): string | null {
  return stopReason === "refusal" ? asText(asObject(details).explanation) || null : null;
}

/** A block of thoughts, or a piece of one, as an item that clients send back. */
export function thinkingDetail(block: Loose, index: number, place: Place): Loose {
  const common = { format: claudeFormat, index, ...placeField(place) };
  if (block.type === "redacted_thinking") {
    return { type: "reasoning.encrypted", data: asText(block.data), ...common };
  }
  return {
    type: "reasoning.text",
    text: asText(block.thinking),
    ...given("signature", asText(block.signature) || undefined),
    ...common,
  };
}

/** What a stretch of the text rests on. */
export interface Sources {
  /** OpenAI's form, for sources with an address. */
  readonly annotations: readonly Loose[];
  /** Anthropic's own, for documents of the request. */
  readonly citations: readonly Loose[];
}

export function readSources(list: unknown, start: number, end: number): Sources {
  const annotations: Loose[] = [];
  const citations: Loose[] = [];
  for (const citation of objectsOf(list)) {
    const url = asText(citation.url) ||
      (/^https?:/.test(asText(citation.source)) ? asText(citation.source) : "");
    if (url === "") citations.push({ ...citation, start_index: start, end_index: end });
    else {
      const title = asText(citation.title) || url;
      annotations.push({
        type: "url_citation",
        url_citation: { url, title, start_index: start, end_index: end },
      });
    }
  }
  return { annotations, citations };
}

/** The fields of a message or a piece of one. */
export function sourceFields({ annotations, citations }: Sources): Loose {
  return {
    ...(annotations.length === 0 ? {} : { annotations }),
    ...(citations.length === 0 ? {} : { citations }),
  };
}

/** Blocks of the API's own tools have no place in the client's protocol; the text tells what came of them. */
export function loseBlock({ type }: Loose, index: number, { reportLoss }: AnswerContext): void {
  reportLoss({
    field: `choices[0].message.content[${index}]`,
    effect: "dropped",
    detail: `chat completions have no ${type} in an answer`,
  });
}

/** A turn that was paused could go on; the client's protocol has no word for that. */
export function losePause(stopReason: unknown, { reportLoss }: AnswerContext): void {
  if (stopReason !== "pause_turn") return;
  reportLoss({
    field: "choices[0].finish_reason",
    effect: "approximated",
    detail: "the model's own tools were paused in the middle; told as a stop",
  });
}
