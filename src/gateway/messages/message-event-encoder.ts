import type { ApiError } from "../../lib/api-error.ts";
import { messageErrorBody } from "../../lib/error-body.ts";
import type { StreamFrame } from "../../plugin/api/provider.ts";
import { UpstreamError } from "../../plugin/api/upstream-error.ts";
import type { ChatCompletionChunk, ToolCallDelta, Usage } from "../../schema/chat-completion.ts";
import { ChatChunkNormaliser } from "../normalise/chat-chunk-normaliser.ts";
import type { NormaliserOptions, StreamNormaliser } from "../operation.ts";
import { messageId, parseInput } from "./from-chat.ts";
import { messageUsage, stopReason } from "./stop-reason.ts";

type Loose = Readonly<Record<string, unknown>>;

/** A tool call of the answer; one at a time is open, the pieces of others wait. */
interface Call {
  readonly id: string;
  readonly name: string;
  sent: string;
  waiting: string;
  closed: boolean;
}

/**
 * A chat answer in pieces as the events of Anthropic's Messages protocol. Blocks never overlap: each is closed before the next
 * begins, and what comes between the pieces of a tool call, be it words or another call, waits for its end.
 */
export class MessageEventEncoder implements StreamNormaliser<ChatCompletionChunk> {
  readonly #normaliser: ChatChunkNormaliser;
  readonly #promptTokens: number;
  #begun = false;
  /** Index of the open block, or of the next one. */
  #index = 0;
  #open: "thinking" | "text" | "tool_use" | undefined;
  /** Which reasoning item the open block carries. */
  #reasoning: unknown;
  readonly #calls: Call[] = [];
  #call: Call | undefined;
  /** Words and thoughts that came while the arguments of a call were not complete. */
  #held: { readonly thinking: boolean; text: string }[] = [];
  #finishReason: string | undefined;
  #refused = false;

  /** @param promptTokens the estimate that clients see until the backend has counted. */
  constructor(options: NormaliserOptions, promptTokens: number) {
    this.#normaliser = new ChatChunkNormaliser(options);
    this.#promptTokens = promptTokens;
  }

  get hasOutput(): boolean {
    return this.#normaliser.hasOutput;
  }

  get usage(): Usage | undefined {
    return this.#normaliser.usage;
  }

  get outputCharacters(): number {
    return this.#normaliser.outputCharacters;
  }

  push(frame: StreamFrame<ChatCompletionChunk>, out: string[]): void {
    const chunk = this.#normaliser.check(frame)?.chunk;
    if (chunk === undefined) return;
    if (!this.#begun) this.#begin(chunk, out);
    for (const choice of chunk.choices) {
      if (choice.index !== 0) continue;
      const { delta } = choice;
      this.#reason(delta, out);
      if (typeof delta.content === "string" && delta.content !== "") this.#say(delta.content, out);
      if (typeof delta.refusal === "string" && delta.refusal !== "") {
        this.#refused = true;
        this.#say(delta.refusal, out);
      }
      for (const call of delta.tool_calls ?? []) this.#callTool(call, out);
      this.#finishReason = choice.finish_reason ?? this.#finishReason;
    }
  }

  finish(out: string[]): void {
    this.#normaliser.checkEnd();
    if (this.#call !== undefined) this.#complete(this.#call, out);
    this.#close(out);
    for (const call of this.#calls) if (!call.closed) this.#flush(call, out);
    this.#release(out);
    const usage = this.#normaliser.usage;
    this.#event(out, {
      type: "message_delta",
      delta: { stop_reason: this.#refused ? "refusal" : stopReason(this.#finishReason), stop_sequence: null },
      usage: usage === undefined
        ? { output_tokens: Math.ceil(this.outputCharacters / 4) }
        : messageUsage(usage),
    });
    this.#event(out, { type: "message_stop" });
  }

  heartbeat(): string | undefined {
    return this.#begun ? '{"type":"ping"}' : undefined;
  }

  fail(error: ApiError): readonly string[] {
    return [JSON.stringify(messageErrorBody(error, null))];
  }

  #begin(chunk: ChatCompletionChunk, out: string[]): void {
    this.#begun = true;
    const counted = this.#normaliser.usage;
    this.#event(out, {
      type: "message_start",
      message: {
        id: messageId(chunk.id),
        type: "message",
        role: "assistant",
        model: chunk.model,
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: counted === undefined
          ? {
            input_tokens: this.#promptTokens,
            cache_creation_input_tokens: 0,
            cache_read_input_tokens: 0,
            output_tokens: 0,
          }
          : messageUsage(counted),
      },
    });
  }

  #reason(delta: Loose, out: string[]): void {
    const details = Array.isArray(delta.reasoning_details) ? delta.reasoning_details as Loose[] : [];
    for (const detail of details) {
      const { type, text, signature, summary, data } = detail;
      if (type === "reasoning.encrypted") {
        if (detail.format !== "anthropic-claude-v1") continue;
        this.#start({ type: "redacted_thinking", data }, undefined, out);
        this.#close(out);
        continue;
      }
      const item = detail.index ?? 0;
      if (this.#open === "thinking" && this.#reasoning !== item) this.#close(out);
      const words = text ?? summary;
      if (typeof words === "string" && words !== "") this.#think(words, item, out);
      if (typeof signature === "string" && signature !== "") {
        if (this.#open !== "thinking") this.#think("", item, out);
        this.#delta({ type: "signature_delta", signature }, out);
        this.#close(out);
      }
    }
    const thought = delta.reasoning_content;
    if (details.length === 0 && typeof thought === "string" && thought !== "") {
      this.#think(thought, undefined, out);
    }
  }

  /** Whether a call is open whose arguments are not complete; what is said meanwhile is held. */
  #hold(thinking: boolean, text: string): boolean {
    if (this.#call === undefined || isWhole(this.#call.sent)) return false;
    const last = this.#held.at(-1);
    if (last?.thinking === thinking) last.text += text;
    else this.#held.push({ thinking, text });
    return true;
  }

  #release(out: string[]): void {
    const held = this.#held;
    this.#held = [];
    for (const { thinking, text } of held) {
      if (thinking) this.#think(text, undefined, out);
      else this.#say(text, out);
    }
    if (held.length > 0) this.#close(out);
  }

  #think(thinking: string, item: unknown, out: string[]): void {
    if (this.#hold(true, thinking)) return;
    if (this.#open !== "thinking") {
      this.#start({ type: "thinking", thinking: "", signature: "" }, "thinking", out);
      this.#reasoning = item;
    }
    if (thinking !== "") this.#delta({ type: "thinking_delta", thinking }, out);
  }

  #say(text: string, out: string[]): void {
    if (this.#hold(false, text)) return;
    if (this.#open !== "text") this.#start({ type: "text", text: "" }, "text", out);
    this.#delta({ type: "text_delta", text }, out);
  }

  #callTool(delta: ToolCallDelta, out: string[]): void {
    const known = this.#calls[delta.index];
    const call = known ?? { id: delta.id ?? "", name: nameOf(delta), sent: "", waiting: "", closed: false };
    if (known === undefined) this.#calls[delta.index] = call;
    call.waiting += argumentsOf(delta);
    if (this.#call !== undefined && this.#call !== call && !isWhole(this.#call.sent)) return;
    if (call.closed) return;
    this.#advance(call, out);
    if (this.#held.length > 0 && isWhole(call.sent)) this.#release(out);
  }

  #advance(call: Call, out: string[]): void {
    if (this.#call !== call || this.#open !== "tool_use") {
      this.#start({ type: "tool_use", id: call.id, name: call.name, input: {} }, "tool_use", out);
      this.#call = call;
    }
    const text = call.waiting;
    if (text.trim() === "" || !(call.sent + text).trimStart().startsWith("{")) return;
    // Clients read the pieces as one object, and fail over anything behind it.
    if (isWhole(call.sent)) throw unreadable(call.name);
    this.#delta({ type: "input_json_delta", partial_json: text }, out);
    call.sent += text;
    call.waiting = "";
  }

  /** Input that is no object at all becomes one, as it does in a whole answer. */
  #complete(call: Call, out: string[]): void {
    if (call.waiting.trim() !== "" && call.sent === "") {
      this.#delta({ type: "input_json_delta", partial_json: JSON.stringify(parseInput(call.waiting)) }, out);
    } else if (call.sent !== "" && !isWhole(call.sent) && this.#finishReason !== "length") {
      throw unreadable(call.name);
    }
  }

  #flush(call: Call, out: string[]): void {
    this.#advance(call, out);
    this.#complete(call, out);
    this.#close(out);
  }

  #start(block: Loose, open: "thinking" | "text" | "tool_use" | undefined, out: string[]): void {
    this.#close(out);
    this.#event(out, { type: "content_block_start", index: this.#index, content_block: block });
    this.#open = open ?? "thinking";
  }

  #delta(delta: Loose, out: string[]): void {
    this.#event(out, { type: "content_block_delta", index: this.#index, delta });
  }

  #close(out: string[]): void {
    if (this.#open === undefined) return;
    this.#event(out, { type: "content_block_stop", index: this.#index++ });
    this.#open = undefined;
    if (this.#call !== undefined) this.#call.closed = true;
    this.#call = undefined;
  }

  #event(out: string[], event: Loose): void {
    out.push(JSON.stringify(event));
  }
}

function nameOf(delta: ToolCallDelta): string {
  return delta.function?.name ?? String((delta.custom as Loose | undefined)?.name ?? "");
}

function argumentsOf(delta: ToolCallDelta): string {
  return delta.function?.arguments ?? "";
}

function unreadable(name: string): UpstreamError {
  return new UpstreamError({
    kind: "bad_response",
    message: `The model's input for the tool ${name} is no JSON object.`,
  });
}

function isWhole(text: string): boolean {
  if (text === "") return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
