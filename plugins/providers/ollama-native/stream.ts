import type { ChatCompletionChunk, StreamDecoder } from "intellirouter/plugin";
import { errorFromObject, UpstreamError } from "intellirouter/plugin";
import { type ChunkHead, usageChunk } from "../hub/chunks.ts";
import { asObject, asText, isObject, type Loose } from "../hub/loose.ts";
import { type AnswerContext, answerHead, toCalls, toFinishReason, toLogprobs, toUsage } from "./answer.ts";

/** The lines of `/api/chat` as pieces of a chat completion. */
export class LineDecoder implements StreamDecoder<Loose, ChatCompletionChunk> {
  readonly #context: AnswerContext;
  #head: ChunkHead | undefined;
  #calls = 0;
  #done = false;

  constructor(context: AnswerContext) {
    this.#context = context;
  }

  push(line: Loose, out: ChatCompletionChunk[]): void {
    if (this.#done || !isObject(line)) return;
    if (line.error !== undefined) throw errorFromObject(line.error);
    const head = this.#head ??= answerHead(line, this.#context);
    const message = asObject(line.message);
    const calls = toCalls(message.tool_calls, this.#calls, this.#context);
    this.#calls += calls.length;
    const content = asText(message.content);
    const thinking = asText(message.thinking);
    const logprobs = toLogprobs(line.logprobs);
    const delta = {
      ...(content === "" ? {} : { content }),
      ...(thinking === "" ? {} : { reasoning_content: thinking }),
      ...(calls.length === 0 ? {} : { tool_calls: calls }),
    };
    if (Object.keys(delta).length > 0) {
      const choice = {
        index: 0,
        delta,
        finish_reason: null,
        ...(logprobs === undefined ? {} : { logprobs }),
      };
      out.push({ ...head, object: "chat.completion.chunk", choices: [choice] });
    }
    if (line.done === true) this.#end(line, head, out);
  }

  finish(): void {
    if (this.#done) return;
    throw new UpstreamError({
      kind: "unavailable",
      message: "The backend's stream ended in the middle of its answer.",
    });
  }

  #end(line: Loose, head: ChunkHead, out: ChatCompletionChunk[]): void {
    this.#done = true;
    const reason = toFinishReason(line.done_reason, this.#calls);
    out.push({
      ...head,
      object: "chat.completion.chunk",
      choices: [{ index: 0, delta: {}, finish_reason: reason }],
    });
    const usage = toUsage(line);
    if (usage !== undefined) out.push(usageChunk(head, usage));
  }
}
