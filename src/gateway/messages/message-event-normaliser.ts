import type { ApiError } from "../../lib/api-error.ts";
import { messageErrorBody } from "../../lib/error-body.ts";
import type { StreamFrame } from "../../plugin/api/provider.ts";
import { UpstreamError } from "../../plugin/api/upstream-error.ts";
import type { Usage } from "../../schema/chat-completion.ts";
import type { MessageEvent, MessageUsage } from "../../schema/message.ts";
import { isPlainObject } from "../normalise/loose-values.ts";
import { WholeCharacters } from "../normalise/whole-characters.ts";
import type { NormaliserOptions, StreamNormaliser } from "../operation.ts";
import {
  belongsTo,
  counts,
  fieldOf,
  isTool,
  mendBlock,
  mendMessage,
  mendReason,
  mendUsage,
} from "./message-event-fields.ts";
import { chatUsage } from "./stop-reason.ts";

type Loose = Readonly<Record<string, unknown>>;
type Frame = StreamFrame<MessageEvent>;

/** The block that pieces are added to now. */
interface OpenBlock {
  /** The backend's index, and the client's. */
  readonly theirs: unknown;
  readonly index: number;
  readonly kind: string;
  readonly name: unknown;
  /** Input that came with the block's beginning, for when no pieces of it come. */
  readonly input: Loose | undefined;
  json: string;
}

/**
 * Keeps the events of a backend that speaks Anthropic's protocol itself to that protocol's order: one `message_start`, blocks that
 * do not overlap and are numbered from 0, one `message_stop` after a reason; and to the fields that clients insist on. A faultless
 * event passes as the very text it came in.
 */
export class MessageEventNormaliser implements StreamNormaliser<MessageEvent> {
  hasOutput = false;
  outputCharacters = 0;
  readonly #options: NormaliserOptions;
  readonly #characters = new WholeCharacters();
  readonly #callIds = new Set<string>();
  #usage: MessageUsage | undefined;
  #begun = false;
  #id: unknown;
  #open: OpenBlock | undefined;
  /** Blocks so far; also the index of the next one. */
  #blocks = 0;
  #called = false;
  /** A tool whose input is no object; only a limit excuses that. */
  #unreadable: unknown;
  #reason: string | undefined;
  #stopped = false;

  constructor(options: NormaliserOptions) {
    this.#options = options;
  }

  get usage(): Usage | undefined {
    return chatUsage(this.#usage);
  }

  push(frame: Frame, out: string[]): void {
    const event = frame.chunk as unknown as Loose;
    if (typeof event !== "object" || event === null || typeof event.type !== "string") {
      throw garbage("The backend's stream has an event without a type.");
    }
    if (this.#stopped || event.type === "ping") return;
    if (event.type === "message_start") return this.#start(event, frame, out);
    if (!this.#begun) throw broken("it began without a message");
    switch (event.type) {
      case "content_block_start":
        return this.#openBlock(event, frame, out);
      case "content_block_delta":
        return this.#add(event, frame, out);
      case "content_block_stop":
        if (this.#open?.theirs === event.index) this.#close(out, event, frame);
        return;
      case "message_delta":
        return this.#end(event, frame, out);
      case "message_stop":
        this.#close(out);
        this.#checkEnd();
        this.#stopped = true;
        return pass(event, {}, frame, out);
      default:
        return pass(event, {}, frame, out);
    }
  }

  finish(out: string[]): void {
    if (!this.#begun) throw broken("it ended without an answer");
    this.#checkEnd();
    if (!this.#stopped) out.push('{"type":"message_stop"}');
  }

  heartbeat(): string | undefined {
    return this.#begun && !this.#stopped ? '{"type":"ping"}' : undefined;
  }

  fail(error: ApiError): readonly string[] {
    return [JSON.stringify(messageErrorBody(error, null))];
  }

  /** Some answers begin twice (wire §2); the client gets one beginning, and the counts of both. */
  #start(event: Loose, frame: Frame, out: string[]): void {
    const { fallbackId, fallbackModel, forcedModel } = this.#options;
    const message = mendMessage(event.message, `msg_${fallbackId}`, fallbackModel, forcedModel);
    this.#count(message.usage);
    if (this.#begun) {
      if (message.id !== this.#id && this.hasOutput) {
        throw garbage("The backend began another message in the middle of its answer.");
      }
      return;
    }
    this.#begun = true;
    this.#id = message.id;
    pass(event, message === event.message ? {} : { message }, frame, out);
  }

  #openBlock(event: Loose, frame: Frame, out: string[]): void {
    const { content_block: given, index: theirs } = event;
    if (!isPlainObject(given) || typeof given.type !== "string") {
      throw garbage("The backend's stream has a block without a type.");
    }
    this.#close(out);
    const index = this.#blocks++;
    const kind = given.type;
    const newId = `toolu_${this.#options.fallbackId}_${index}`.replace(/[^\w-]/g, "");
    const { block, said, input } = mendBlock(given, newId, (id) => this.#callIds.has(id));
    if (isTool(kind)) {
      if (typeof block.name !== "string" || block.name === "") {
        throw garbage("The backend's stream calls a tool without a name.");
      }
      this.#callIds.add(String(block.id));
      this.#called ||= kind === "tool_use";
    }
    this.#open = { theirs, index, kind, name: block.name, input, json: "" };
    this.hasOutput = true;
    const change = { ...renumbered(theirs, index), ...(block === given ? {} : { content_block: block }) };
    pass(event, change, frame, out);
    for (const delta of said) {
      this.#add({ type: "content_block_delta", index: theirs, delta }, undefined, out);
    }
  }

  #add(event: Loose, frame: Frame | undefined, out: string[]): void {
    const open = this.#open;
    // No client could tell what the piece belongs to, and without it the answer is not what the model said.
    if (open === undefined || open.theirs !== event.index) {
      throw garbage(`The backend sent a piece of block ${String(event.index)}, which is not open.`);
    }
    const { delta } = event;
    if (!isPlainObject(delta)) return;
    if (!belongsTo(delta, open.kind)) {
      throw garbage(`The backend sent a ${String(delta.type)} in a block of ${open.kind}.`);
    }
    this.hasOutput = true;
    const field = fieldOf(delta);
    const change: Record<string, unknown> = renumbered(open.theirs, open.index);
    if (field !== undefined) {
      const value = delta[field];
      const text = field === "partial_json" && isPlainObject(value) ? JSON.stringify(value) : value;
      if (typeof text !== "string") return;
      const sound = this.#characters.whole(field, text);
      if (field === "partial_json") open.json += sound;
      if (field !== "signature") this.#measure(sound);
      if (sound !== value) change.delta = { ...delta, [field]: sound };
    }
    pass(event, change, frame, out);
  }

  #end(event: Loose, frame: Frame, out: string[]): void {
    this.#close(out);
    const { delta: given, usage: told } = event;
    const delta = isPlainObject(given) ? given : {};
    this.#reason = mendReason(delta.stop_reason, this.#called) ?? this.#reason;
    if (this.#unreadable !== undefined && this.#reason !== undefined && this.#reason !== "max_tokens") {
      throw garbage(`The model's input for the tool ${String(this.#unreadable)} is no JSON object.`);
    }
    this.#count(told);
    const usage = mendUsage(told, this.#usage?.output_tokens || Math.ceil(this.outputCharacters / 4));
    this.hasOutput = true;
    const reason = this.#reason ?? null;
    pass(
      event,
      {
        ...(given === delta && delta.stop_reason === reason
          ? {}
          : { delta: { ...delta, stop_reason: reason } }),
        ...(usage === told ? {} : { usage }),
      },
      frame,
      out,
    );
  }

  #checkEnd(): void {
    if (this.#reason === undefined) throw broken("it ended in the middle of its answer");
  }

  /** @param event the backend's own, where it sent one. */
  #close(out: string[], event?: Loose, frame?: Frame): void {
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    const { kind, index, json, input } = open;
    const field = kind === "thinking" ? "thinking" : "text";
    const rest = this.#characters.rest(field);
    const late = rest !== ""
      ? { type: `${field}_delta`, [field]: rest }
      : input !== undefined && json === ""
      ? { type: "input_json_delta", partial_json: JSON.stringify(input) }
      : undefined;
    if (late !== undefined) out.push(JSON.stringify({ type: "content_block_delta", index, delta: late }));
    if (isTool(kind) && json.trim() !== "" && !isObjectText(json)) this.#unreadable ??= open.name;
    if (event !== undefined) pass(event, renumbered(open.theirs, index), frame, out);
    else out.push(JSON.stringify({ type: "content_block_stop", index }));
  }

  /** Later counts are totals and replace earlier ones, field by field. */
  #count(usage: unknown): void {
    const known = Object.entries(counts(usage)).filter(([, value]) => typeof value === "number");
    this.#usage = { ...this.#usage, ...Object.fromEntries(known) };
  }

  #measure(text: unknown): void {
    if (typeof text === "string") this.outputCharacters += text.length;
  }
}

function pass(event: Loose, change: Loose, frame: Frame | undefined, out: string[]): void {
  for (const _field in change) {
    out.push(JSON.stringify({ ...event, ...change }));
    return;
  }
  out.push(frame?.text ?? JSON.stringify(event));
}

function renumbered(theirs: unknown, index: number): Record<string, unknown> {
  return theirs === index ? {} : { index };
}

function isObjectText(text: string): boolean {
  try {
    return isPlainObject(JSON.parse(text));
  } catch {
    return false;
  }
}

function garbage(message: string): UpstreamError {
  return new UpstreamError({ kind: "bad_response", message });
}

function broken(reason: string): UpstreamError {
  return new UpstreamError({ kind: "unavailable", message: `The backend broke off its answer: ${reason}.` });
}
