import type { ChatCompletionChunk, StreamDecoder } from "intellirouter/plugin";
import { UpstreamError } from "intellirouter/plugin";
import { type ChunkHead, deltaChunk, usageChunk } from "../hub/chunks.ts";
import { asObject, asText, isObject, type Loose } from "../hub/loose.ts";
import type { Place } from "../hub/places.ts";
import {
  type AnswerContext,
  loseBlock,
  loseReason,
  reasoningDetail,
  sourceFields,
  toFinishReason,
  toServiceTier,
  toUsage,
} from "./answer.ts";
import type { ConverseEvent } from "./event-stream.ts";

/** A block of the answer that is being sent. Those of text may come without a start. */
interface OpenBlock {
  kind: "call" | "answer" | "thought" | "text" | undefined;
  /** Number among the calls, or among the thoughts. */
  position: number;
  hasInput: boolean;
  /** What stood before it. */
  readonly place: Place;
  readonly citations: Loose[];
}

/** The events of a Converse stream as pieces of a chat completion. */
export class ConverseDecoder implements StreamDecoder<ConverseEvent, ChatCompletionChunk> {
  readonly #context: AnswerContext;
  readonly #head: ChunkHead;
  readonly #blocks = new Map<unknown, OpenBlock>();
  #begun = false;
  #stopReason: unknown;
  #finished = false;
  #usage: unknown;
  #tier: Loose = {};
  #textLength = 0;
  #calls = 0;
  #thoughts = 0;
  /** Words that came beside an answer that is to be JSON; they are the answer only when no other comes. */
  #held = "";
  #answered = false;

  constructor(context: AnswerContext) {
    this.#context = context;
    this.#head = { id: context.id, model: context.model, created: context.created };
  }

  push({ type, payload }: ConverseEvent, out: ChatCompletionChunk[]): void {
    switch (type) {
      case "messageStart":
        return this.#begin(out);
      case "contentBlockStart":
        return this.#startBlock(payload.contentBlockIndex, asObject(payload.start), out);
      case "contentBlockDelta":
        return this.#delta(payload.contentBlockIndex, asObject(payload.delta), out);
      case "contentBlockStop":
        return this.#stopBlock(payload.contentBlockIndex, out);
      case "messageStop":
        this.#stopReason = payload.stopReason ?? "end_turn";
        return;
      case "metadata":
        // It comes after the end of the message, and is the last.
        this.#usage = payload.usage;
        this.#tier = toServiceTier(payload.serviceTier);
        return this.#end(out);
    }
  }

  finish(out: ChatCompletionChunk[]): void {
    if (this.#finished) return;
    if (this.#stopReason === undefined) {
      throw new UpstreamError({
        kind: "unavailable",
        message: "The backend's stream ended in the middle of its message.",
      });
    }
    this.#end(out);
  }

  #begin(out: ChatCompletionChunk[]): void {
    if (this.#begun) return;
    this.#begun = true;
    out.push(deltaChunk(this.#head, { role: "assistant", content: "" }));
  }

  #block(index: unknown): OpenBlock {
    let block = this.#blocks.get(index);
    if (block === undefined) {
      const place = { content: this.#textLength, calls: this.#calls };
      block = { kind: undefined, position: 0, hasInput: false, place, citations: [] };
      this.#blocks.set(index, block);
    }
    return block;
  }

  #startBlock(index: unknown, start: Loose, out: ChatCompletionChunk[]): void {
    this.#begin(out);
    const block = this.#block(index);
    if (!isObject(start.toolUse)) {
      const [kind] = Object.keys(start);
      if (kind !== undefined) loseBlock(kind, Number(index), this.#context);
      return;
    }
    const { toolUseId, name } = start.toolUse;
    if (name === this.#context.answerTool) {
      block.kind = "answer";
      return;
    }
    block.kind = "call";
    block.position = this.#calls++;
    const called = { name: asText(name), arguments: "" };
    const call = { index: block.position, id: asText(toolUseId), type: "function", function: called };
    out.push(deltaChunk(this.#head, { tool_calls: [call] }));
  }

  #delta(index: unknown, delta: Loose, out: ChatCompletionChunk[]): void {
    this.#begin(out);
    const block = this.#block(index);
    if (typeof delta.text === "string") this.#sayOrHold(delta.text, out);
    else if (isObject(delta.toolUse)) this.#input(block, asText(delta.toolUse.input), out);
    else if (isObject(delta.reasoningContent)) this.#think(block, delta.reasoningContent, out);
    else if (isObject(delta.citation)) block.citations.push(delta.citation);
  }

  #stopBlock(index: unknown, out: ChatCompletionChunk[]): void {
    const block = this.#blocks.get(index);
    if (block === undefined) return;
    this.#blocks.delete(index);
    if ((block.kind === "call" || block.kind === "answer") && !block.hasInput) this.#input(block, "{}", out);
    const sources = sourceFields(block.citations, block.place.content, this.#textLength);
    if (Object.keys(sources).length > 0) out.push(deltaChunk(this.#head, sources));
  }

  #input(block: OpenBlock, text: string, out: ChatCompletionChunk[]): void {
    if (text === "") return;
    block.hasInput = true;
    if (block.kind === "answer") {
      this.#answered = true;
      this.#say(text, out);
    } else if (block.kind === "call") {
      const call = { index: block.position, function: { arguments: text } };
      out.push(deltaChunk(this.#head, { tool_calls: [call] }));
    }
  }

  #think(block: OpenBlock, piece: Loose, out: ChatCompletionChunk[]): void {
    if (block.kind !== "thought") {
      block.kind = "thought";
      block.position = this.#thoughts++;
    }
    const { text, signature, redactedContent } = piece;
    const words = typeof text === "string" && text !== "" ? { reasoning_content: text } : {};
    const given = {
      ...(typeof text === "string" ? { text } : {}),
      ...(typeof signature === "string" ? { signature } : {}),
      ...(typeof redactedContent === "string" ? { redacted: redactedContent } : {}),
    };
    const detail = this.#context.isClaude && Object.keys(given).length > 0
      ? { reasoning_details: [reasoningDetail(given, block.position, block.place)] }
      : {};
    if (Object.keys({ ...words, ...detail }).length > 0) {
      out.push(deltaChunk(this.#head, { ...words, ...detail }));
    }
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

  #end(out: ChatCompletionChunk[]): void {
    if (this.#finished || this.#stopReason === undefined) return;
    this.#finished = true;
    this.#begin(out);
    if (!this.#answered) this.#say(this.#held, out);
    loseReason(this.#stopReason, this.#calls, this.#context);
    const chunk = deltaChunk(this.#head, {}, toFinishReason(this.#stopReason, this.#calls));
    out.push({ ...chunk, ...this.#tier });
    const usage = toUsage(this.#usage);
    if (usage !== undefined) out.push(usageChunk(this.#head, usage));
  }
}
