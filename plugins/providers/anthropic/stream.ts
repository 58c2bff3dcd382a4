import type { ChatCompletionChunk, StreamDecoder } from "intellirouter/plugin";
import { errorFromObject, UpstreamError } from "intellirouter/plugin";
import { type ChunkHead, deltaChunk, usageChunk } from "../hub/chunks.ts";
import { asObject, asText, isObject, type Loose } from "../hub/loose.ts";
import type { Place } from "../hub/places.ts";
import {
  type AnswerContext,
  loseBlock,
  losePause,
  readSources,
  sourceFields,
  thinkingDetail,
  toFinishReason,
  toRefusal,
} from "./answer.ts";
import { toServiceTier, toUsage } from "./usage.ts";

/** A block of the answer that is being sent. */
interface OpenBlock {
  readonly type: unknown;
  /** Number among the calls, or among the thoughts. */
  readonly position: number;
  readonly isAnswer: boolean;
  /** What a call came with at its start; only some servers send it whole there. */
  readonly input: unknown;
  hasInput: boolean;
  /** What stood before it. */
  readonly place: Place;
  readonly citations: unknown[];
}

/** The events of a message as pieces of a chat completion. */
export class MessageDecoder implements StreamDecoder<Loose, ChatCompletionChunk> {
  readonly #context: AnswerContext;
  readonly #blocks = new Map<unknown, OpenBlock>();
  #head: ChunkHead;
  #begun = false;
  #ended = false;
  #usage: Loose = {};
  #textLength = 0;
  /** Words that came beside an answer that is to be JSON; they are the answer only when no other comes. */
  #held = "";
  #answered = false;
  #calls = 0;
  #thoughts = 0;
  #stopReason: unknown;
  #stopDetails: unknown;

  constructor(context: AnswerContext) {
    this.#context = context;
    this.#head = { id: "", model: context.model, created: context.created };
  }

  push(event: Loose, out: ChatCompletionChunk[]): void {
    if (this.#ended || !isObject(event)) return;
    switch (event.type) {
      case "message_start":
        return this.#start(asObject(event.message), out);
      case "content_block_start":
        return this.#startBlock(event.index, asObject(event.content_block), out);
      case "content_block_delta":
        return this.#delta(event.index, asObject(event.delta), out);
      case "content_block_stop":
        return this.#stopBlock(event.index, out);
      case "message_delta":
        return this.#noteEnd(event);
      case "message_stop":
        return this.#end(out);
      case "error":
        throw errorFromObject(event.error);
        // Others are pings, and what is to come: "new event types may be added" (Anthropic: "Versioning").
    }
  }

  finish(): void {
    if (this.#ended) return;
    throw new UpstreamError({
      kind: "unavailable",
      message: "The backend's stream ended in the middle of its message.",
    });
  }

  #start(message: Loose, out: ChatCompletionChunk[]): void {
    const id = asText(message.id);
    if (this.#begun) {
      // Seen in the wild: the start sent twice, and two messages spliced into one stream (wire §2).
      if (id === this.#head.id) return;
      throw new UpstreamError({
        kind: "bad_response",
        message: "another message begins in the middle of this one",
      });
    }
    this.#begun = true;
    this.#head = { ...this.#head, id, model: asText(message.model) || this.#head.model };
    this.#count(message.usage);
    const tier = toServiceTier(message.usage);
    const chunk = deltaChunk(this.#head, { role: "assistant", content: "" });
    out.push(tier === undefined ? chunk : { ...chunk, service_tier: tier });
  }

  #startBlock(index: unknown, block: Loose, out: ChatCompletionChunk[]): void {
    const { type } = block;
    const isAnswer = type === "tool_use" && block.name === this.#context.answerTool;
    const isThought = type === "thinking" || type === "redacted_thinking";
    const place = { content: this.#textLength, calls: this.#calls };
    const open: OpenBlock = {
      type,
      position: isThought ? this.#thoughts++ : type === "tool_use" && !isAnswer ? this.#calls++ : 0,
      isAnswer,
      input: block.input,
      hasInput: false,
      place,
      citations: [],
    };
    this.#blocks.set(index, open);
    if (type === "text") this.#sayOrHold(asText(block.text), out);
    else if (isThought) this.#startThought(block, open, out);
    else if (type === "tool_use") {
      if (!isAnswer) this.#call(open, { name: asText(block.name), arguments: "" }, out, asText(block.id));
    } else if (typeof type === "string") loseBlock(block, Number(index), this.#context);
  }

  #startThought(block: Loose, open: OpenBlock, out: ChatCompletionChunk[]): void {
    // Of plain thoughts the beginning is empty: text and signature follow.
    if (block.type === "redacted_thinking" || asText(block.thinking) !== "") {
      this.#think(thinkingDetail(block, open.position, open.place), asText(block.thinking), out);
    }
  }

  #delta(index: unknown, delta: Loose, out: ChatCompletionChunk[]): void {
    const open = this.#blocks.get(index);
    if (open === undefined) {
      throw new UpstreamError({ kind: "bad_response", message: "a piece belongs to no block" });
    }
    switch (delta.type) {
      case "text_delta":
        return this.#sayOrHold(asText(delta.text), out);
      case "input_json_delta":
        return this.#input(open, asText(delta.partial_json), out);
      case "thinking_delta": {
        const thinking = asText(delta.thinking);
        if (thinking === "") return;
        return this.#think(thinkingDetail({ thinking }, open.position, open.place), thinking, out);
      }
      case "signature_delta": {
        const { signature } = delta;
        const { text: _text, ...detail } = thinkingDetail({ signature }, open.position, open.place);
        return this.#think(detail, "", out);
      }
      case "citations_delta":
        open.citations.push(delta.citation);
    }
  }

  #stopBlock(index: unknown, out: ChatCompletionChunk[]): void {
    const open = this.#blocks.get(index);
    if (open === undefined) return;
    this.#blocks.delete(index);
    if (open.type === "tool_use" && !open.hasInput) {
      this.#input(open, JSON.stringify(open.input ?? {}), out);
    }
    const sources = sourceFields(readSources(open.citations, open.place.content, this.#textLength));
    if (Object.keys(sources).length > 0) out.push(deltaChunk(this.#head, sources));
  }

  #input(open: OpenBlock, text: string, out: ChatCompletionChunk[]): void {
    if (text === "" || open.type !== "tool_use") return;
    open.hasInput = true;
    if (open.isAnswer) {
      this.#answered = true;
      this.#say(text, out);
    } else this.#call(open, { arguments: text }, out);
  }

  #call(
    { position }: OpenBlock,
    called: { readonly name?: string; readonly arguments: string },
    out: ChatCompletionChunk[],
    id?: string,
  ): void {
    const start = id === undefined ? {} : { id, type: "function" };
    out.push(deltaChunk(this.#head, { tool_calls: [{ index: position, ...start, function: called }] }));
  }

  #sayOrHold(text: string, out: ChatCompletionChunk[]): void {
    if (this.#context.answerTool === undefined) this.#say(text, out);
    else this.#held += text;
  }

  #say(text: string, out: ChatCompletionChunk[]): void {
    if (text === "") return;
    this.#textLength += text.length;
    out.push(deltaChunk(this.#head, { content: text }));
  }

  #think(detail: Loose, text: string, out: ChatCompletionChunk[]): void {
    const words = text === "" ? {} : { reasoning_content: text };
    out.push(deltaChunk(this.#head, { ...words, reasoning_details: [detail] }));
  }

  #noteEnd({ delta, usage }: Loose): void {
    const { stop_reason: stopReason, stop_details: details } = asObject(delta);
    this.#stopReason = stopReason ?? this.#stopReason;
    this.#stopDetails = details ?? this.#stopDetails;
    this.#count(usage);
  }

  /** Counts at the end are of the whole, and may correct those of the start; what is null there is not told again. */
  #count(usage: unknown): void {
    const told = Object.entries(asObject(usage)).filter(([, value]) => value !== null);
    this.#usage = { ...this.#usage, ...Object.fromEntries(told) };
  }

  #end(out: ChatCompletionChunk[]): void {
    if (!this.#begun) {
      throw new UpstreamError({ kind: "bad_response", message: "a message ends that has not begun" });
    }
    this.#ended = true;
    if (!this.#answered) this.#say(this.#held, out);
    losePause(this.#stopReason, this.#context);
    const refusal = toRefusal(this.#stopReason, this.#stopDetails);
    const reason = toFinishReason(this.#stopReason, this.#calls);
    out.push(deltaChunk(this.#head, refusal === null ? {} : { refusal }, reason));
    const usage = toUsage(this.#usage);
    if (usage !== undefined) out.push(usageChunk(this.#head, usage));
  }
}
