import type { ChatCompletionChunk, StreamDecoder } from "intellirouter/plugin";
import { UpstreamError } from "intellirouter/plugin";
import { type ChunkHead, usageChunk } from "../hub/chunks.ts";
import { asText, isObject, type Loose, objectsOf } from "../hub/loose.ts";
import { type AnswerContext, answerHead, throwBlocked, throwFailure, toFinishReason } from "./answer.ts";
import { CandidateReader } from "./candidate-reader.ts";
import { refusalField } from "./decode.ts";
import { toLogprobs } from "./logprobs.ts";
import { sourceFields } from "./sources.ts";
import { toServiceTier, toUsage } from "./usage.ts";

/** What is known of a candidate before it is over. */
interface OpenCandidate {
  readonly reader: CandidateReader;
  /** Fields that come once, mostly with the last piece. */
  last: Loose;
}

/**
 * The pieces of `streamGenerateContent` as those of a chat completion. The end is told when the connection ends: some models send
 * `STOP` with every piece, others once more after the calls (wire §2).
 */
export class AnswerDecoder implements StreamDecoder<Loose, ChatCompletionChunk> {
  readonly #context: AnswerContext;
  readonly #candidates = new Map<number, OpenCandidate>();
  #head: ChunkHead | undefined;
  #usage: unknown;

  constructor(context: AnswerContext) {
    this.#context = context;
  }

  push(answer: Loose, out: ChatCompletionChunk[]): void {
    if (!isObject(answer)) return;
    this.#usage = answer.usageMetadata ?? this.#usage;
    const candidates = objectsOf(answer.candidates);
    if (candidates.length === 0) return throwBlocked(answer);
    const head = this.#head ??= answerHead(answer, this.#context);
    candidates.forEach((candidate, position) => {
      const index = typeof candidate.index === "number" ? candidate.index : position;
      const open = this.#open(index);
      open.last = { ...open.last, ...withoutContent(candidate) };
      const delta = open.reader.read(candidate, head.id);
      const logprobs = toLogprobs(candidate.logprobsResult);
      if (Object.keys(delta).length > 0) {
        const choice = { index, delta, finish_reason: null, ...(logprobs === undefined ? {} : { logprobs }) };
        out.push({ ...head, object: "chat.completion.chunk", choices: [choice] });
      }
      throwFailure(candidate);
    });
  }

  finish(out: ChatCompletionChunk[]): void {
    const isWhole = [...this.#candidates.values()].every(({ last }) => asText(last.finishReason) !== "");
    const head = this.#head;
    if (head === undefined || !isWhole) {
      throw new UpstreamError({
        kind: "unavailable",
        message: "The backend's stream ended in the middle of its answer.",
      });
    }
    const tier = toServiceTier(this.#usage);
    for (const [index, { reader, last }] of this.#candidates) {
      const reason = toFinishReason(asText(last.finishReason), reader.calls);
      const delta = { ...refusalField(last, reason), ...sourceFields(last, reader.text) };
      out.push({
        ...head,
        object: "chat.completion.chunk",
        choices: [{ index, delta, finish_reason: reason }],
        ...(tier === undefined ? {} : { service_tier: tier }),
      });
    }
    const usage = toUsage(this.#usage);
    if (usage !== undefined) out.push(usageChunk(head, usage));
  }

  #open(index: number): OpenCandidate {
    let open = this.#candidates.get(index);
    if (open === undefined) {
      open = { reader: new CandidateReader(index, this.#context), last: {} };
      this.#candidates.set(index, open);
    }
    return open;
  }
}

function withoutContent({ content: _content, ...rest }: Loose): Loose {
  return rest;
}
