import type { ApiError } from "../../lib/api-error.ts";
import { messageErrorBody } from "../../lib/error-body.ts";
import type { StreamFrame } from "../../plugin/api/provider.ts";
import { UpstreamError } from "../../plugin/api/upstream-error.ts";
import type { Usage } from "../../schema/chat-completion.ts";
import type { MessageEvent, MessageUsage } from "../../schema/message.ts";
import type { NormaliserOptions, StreamNormaliser } from "../operation.ts";
import { chatUsage } from "./stop-reason.ts";

type Loose = Readonly<Record<string, unknown>>;

/**
 * Keeps the events of a backend that speaks Anthropic's protocol itself to that protocol's order: one `message_start`, blocks that
 * do not overlap, one `message_delta` with the reason, one `message_stop`. A faultless event passes as the very text it came in.
 */
export class MessageEventNormaliser implements StreamNormaliser<MessageEvent> {
  hasOutput = false;
  outputCharacters = 0;
  readonly #options: NormaliserOptions;
  #usage: MessageUsage | undefined;
  #begun = false;
  #open: unknown;
  #stopped = false;
  #hasReason = false;

  constructor(options: NormaliserOptions) {
    this.#options = options;
  }

  get usage(): Usage | undefined {
    return chatUsage(this.#usage);
  }

  push(frame: StreamFrame<MessageEvent>, out: string[]): void {
    const event = frame.chunk as unknown as Loose;
    if (typeof event !== "object" || event === null || typeof event.type !== "string") {
      throw new UpstreamError({
        kind: "bad_response",
        message: "The backend's stream has an event without a type.",
      });
    }
    if (this.#stopped || event.type === "ping") return;
    const pass = () => void out.push(frame.text ?? JSON.stringify(event));
    if (event.type === "message_start") return this.#start(event, frame, out);
    if (!this.#begun) throw broken("it began without a message");
    switch (event.type) {
      case "content_block_start":
        this.#close(out);
        this.#open = event.index;
        this.hasOutput = true;
        return pass();
      case "content_block_delta":
        // No client could tell what the piece belongs to, and without it the answer is not what the model said.
        if (this.#open !== event.index) {
          throw new UpstreamError({
            kind: "bad_response",
            message: `The backend sent a piece of block ${String(event.index)}, which is not open.`,
          });
        }
        this.hasOutput = true;
        this.#measure(event.delta as Loose | undefined);
        return pass();
      case "content_block_stop":
        if (this.#open !== event.index) return;
        this.#open = undefined;
        return pass();
      case "message_delta":
        this.#close(out);
        this.#count(event.usage as MessageUsage | undefined);
        this.#hasReason ||= typeof (event.delta as Loose | undefined)?.stop_reason === "string";
        this.hasOutput = true;
        return pass();
      case "message_stop":
        this.#close(out);
        this.#stopped = true;
        return pass();
      default:
        return pass();
    }
  }

  finish(out: string[]): void {
    if (!this.#begun) throw broken("it ended without an answer");
    if (!this.#hasReason) throw broken("it ended in the middle of its answer");
    if (!this.#stopped) out.push('{"type":"message_stop"}');
  }

  heartbeat(): string | undefined {
    return this.#begun && !this.#stopped ? '{"type":"ping"}' : undefined;
  }

  fail(error: ApiError): readonly string[] {
    return [JSON.stringify(messageErrorBody(error, null))];
  }

  /** Some answers begin twice (wire §2); the client gets one beginning, and the counts of both. */
  #start(event: Loose, frame: StreamFrame<MessageEvent>, out: string[]): void {
    const message = (event.message ?? {}) as Loose;
    this.#count(message.usage as MessageUsage | undefined);
    if (this.#begun) return;
    this.#begun = true;
    const { forcedModel } = this.#options;
    if (forcedModel === undefined || forcedModel === message.model) {
      out.push(frame.text ?? JSON.stringify(event));
    } else out.push(JSON.stringify({ ...event, message: { ...message, model: forcedModel } }));
  }

  #close(out: string[]): void {
    if (this.#open === undefined) return;
    out.push(JSON.stringify({ type: "content_block_stop", index: this.#open }));
    this.#open = undefined;
  }

  /** Later counts are totals and replace earlier ones, field by field. */
  #count(usage: MessageUsage | undefined): void {
    if (typeof usage !== "object" || usage === null) return;
    const known = Object.entries(usage).filter(([, value]) => typeof value === "number");
    this.#usage = { ...this.#usage, ...Object.fromEntries(known) };
  }

  #measure(delta: Loose | undefined): void {
    const text = delta?.text ?? delta?.thinking ?? delta?.partial_json;
    if (typeof text === "string") this.outputCharacters += text.length;
  }
}

function broken(reason: string): UpstreamError {
  return new UpstreamError({ kind: "unavailable", message: `The backend broke off its answer: ${reason}.` });
}
