import type { ResponseItem } from "../../schema/response.ts";
import { sealReasoning } from "./sealed-reasoning.ts";
import { customInput } from "./tools-to-chat.ts";

type Loose = Readonly<Record<string, unknown>>;

/** Tells the client what has become of an item; does nothing where the answer goes out whole. */
export type Emit = (type: string, fields: Loose) => void;

export type ItemStatus = "in_progress" | "completed" | "incomplete";

/** One item of an answer while it is being made. It announces itself, and its closing says everything once more, whole. */
export interface OutputItem {
  readonly index: number;
  readonly isOpen: boolean;
  /** The item as far as it has come. */
  current(): ResponseItem;
  close(status: ItemStatus): void;
  /** Says nothing, in a form that every client knows; undefined where there is none. */
  sayNothing(): void;
}

/** What all kinds of items have in common. */
abstract class Item implements OutputItem {
  readonly index: number;
  protected readonly id: string;
  protected status: ItemStatus = "in_progress";
  readonly #emit: Emit;

  constructor(id: string, index: number, emit: Emit) {
    this.id = id;
    this.index = index;
    this.#emit = emit;
  }

  get isOpen(): boolean {
    return this.status === "in_progress";
  }

  close(status: ItemStatus): void {
    if (!this.isOpen) return;
    this.finishParts();
    this.status = status;
    this.#emit("response.output_item.done", { output_index: this.index, item: this.current() });
  }

  abstract current(): ResponseItem;
  abstract sayNothing(): void;
  protected abstract finishParts(): void;

  protected announce(): void {
    this.#emit("response.output_item.added", { output_index: this.index, item: this.current() });
  }

  protected emit(type: string, fields: Loose): void {
    this.#emit(type, { item_id: this.id, output_index: this.index, ...fields });
  }
}

interface MessagePart {
  readonly type: "output_text" | "refusal";
  text: string;
  readonly annotations: Loose[];
  readonly logprobs: Loose[];
}

/** What the assistant says: text, or why it will not. */
export class MessageItem extends Item {
  readonly #parts: MessagePart[] = [];

  constructor(id: string, index: number, emit: Emit) {
    super(id, index, emit);
    this.announce();
  }

  say(type: MessagePart["type"], delta: string, logprobs: readonly Loose[]): void {
    const part = this.#part(type);
    part.text += delta;
    part.logprobs.push(...logprobs);
    this.#delta(part, delta, logprobs);
  }

  annotate(annotation: Loose): void {
    const part = this.#part("output_text");
    this.emit("response.output_text.annotation.added", {
      content_index: this.#parts.length - 1,
      annotation_index: part.annotations.length,
      annotation,
    });
    part.annotations.push(annotation);
  }

  sayNothing(): void {
    const part = this.#parts.at(-1);
    if (part !== undefined) this.#delta(part, "", []);
  }

  current(): ResponseItem {
    return {
      id: this.id,
      type: "message",
      status: this.status,
      role: "assistant",
      content: this.#parts.map(shown),
    };
  }

  protected finishParts(): void {
    const part = this.#parts.at(-1);
    if (part === undefined) return;
    const content_index = this.#parts.length - 1;
    if (part.type === "refusal") {
      this.emit("response.refusal.done", { content_index, refusal: part.text });
    } else {
      this.emit("response.output_text.done", { content_index, text: part.text, logprobs: part.logprobs });
    }
    this.emit("response.content_part.done", { content_index, part: shown(part) });
  }

  #part(type: MessagePart["type"]): MessagePart {
    const last = this.#parts.at(-1);
    if (last?.type === type) return last;
    this.finishParts();
    const part: MessagePart = { type, text: "", annotations: [], logprobs: [] };
    this.#parts.push(part);
    this.emit("response.content_part.added", { content_index: this.#parts.length - 1, part: shown(part) });
    return part;
  }

  #delta({ type }: MessagePart, delta: string, logprobs: readonly Loose[]): void {
    const content_index = this.#parts.length - 1;
    if (type === "refusal") this.emit("response.refusal.delta", { content_index, delta });
    else this.emit("response.output_text.delta", { content_index, delta, logprobs });
  }
}

function shown({ type, text, annotations, logprobs }: MessagePart) {
  return type === "refusal" ? { type, refusal: text } : { type, annotations, logprobs, text };
}

/** What the model thinks before it answers: in summary, in its own words, or in a form for its backend alone. */
export class ReasoningItem extends Item {
  readonly #kind: "summary" | "text";
  readonly #parts: { readonly key: unknown; text: string }[] = [];
  /** As the backend wants it back; known when the item ends. */
  readonly #details: () => readonly Loose[];

  constructor(
    id: string,
    index: number,
    emit: Emit,
    kind: "summary" | "text",
    details: () => readonly Loose[],
  ) {
    super(id, index, emit);
    this.#kind = kind;
    this.#details = details;
    this.announce();
  }

  /** @param key pieces of one thought have one key */
  think(key: unknown, delta: string): void {
    const last = this.#parts.at(-1);
    if (last === undefined || last.key !== key) {
      this.finishParts();
      this.#parts.push({ key, text: "" });
      this.emit(this.#event("part.added"), { ...this.#place(), part: this.#shown("") });
    }
    this.#parts.at(-1)!.text += delta;
    this.emit(this.#event("text.delta"), { ...this.#place(), delta });
  }

  sayNothing(): void {
    if (this.#parts.length > 0) this.emit(this.#event("text.delta"), { ...this.#place(), delta: "" });
  }

  current(): ResponseItem {
    const parts = this.#parts.map(({ text }) => this.#shown(text));
    const sealed = this.isOpen ? undefined : sealReasoning(this.#details());
    return {
      id: this.id,
      type: "reasoning",
      status: this.status,
      summary: this.#kind === "summary" ? parts : [],
      ...(this.#kind === "text" ? { content: parts } : {}),
      ...(sealed === undefined ? {} : { encrypted_content: sealed }),
    };
  }

  protected finishParts(): void {
    const last = this.#parts.at(-1);
    if (last === undefined) return;
    this.emit(this.#event("text.done"), { ...this.#place(), text: last.text });
    this.emit(this.#event("part.done"), { ...this.#place(), part: this.#shown(last.text) });
  }

  #event(end: "part.added" | "part.done" | "text.delta" | "text.done"): string {
    if (this.#kind === "summary") return `response.reasoning_summary_${end}`;
    return end.startsWith("part") ? `response.content_${end}` : `response.reasoning_${end}`;
  }

  #place(): Loose {
    const index = this.#parts.length - 1;
    return this.#kind === "summary" ? { summary_index: index } : { content_index: index };
  }

  #shown(text: string) {
    return { type: this.#kind === "summary" ? "summary_text" : "reasoning_text", text };
  }
}

/**
 * A call of a function; or of a tool that takes plain text, which the backend then was offered as a function, so that its text is
 * known only when the arguments are whole.
 */
export class CallItem extends Item {
  readonly #callId: string;
  readonly #name: string;
  readonly #kind: "function" | "custom" | "wrapped";
  #text = "";

  constructor(
    id: string,
    index: number,
    emit: Emit,
    call: { readonly id: string; readonly name: string; readonly kind: "function" | "custom" | "wrapped" },
  ) {
    super(id, index, emit);
    this.#callId = call.id;
    this.#name = call.name;
    this.#kind = call.kind;
    this.announce();
  }

  add(delta: string): void {
    if (delta === "" || !this.isOpen) return;
    this.#text += delta;
    if (this.#kind !== "wrapped") this.#delta(delta);
  }

  /** Whether the arguments are complete. */
  get isWhole(): boolean {
    try {
      JSON.parse(this.#text);
      return true;
    } catch {
      return false;
    }
  }

  sayNothing(): void {
    this.#delta("");
  }

  current(): ResponseItem {
    const head = { id: this.id, status: this.status, call_id: this.#callId, name: this.#name };
    if (this.#kind === "function") return { ...head, type: "function_call", arguments: this.#text };
    const input = this.#kind === "custom" ? this.#text : this.isOpen ? "" : unwrap(this.#text);
    return { ...head, type: "custom_tool_call", input };
  }

  protected finishParts(): void {
    if (this.#kind === "function") {
      this.emit("response.function_call_arguments.done", { name: this.#name, arguments: this.#text });
      return;
    }
    const input = this.#kind === "custom" ? this.#text : unwrap(this.#text);
    if (this.#kind === "wrapped" && input !== "") this.#delta(input);
    this.emit("response.custom_tool_call_input.done", { input });
  }

  #delta(delta: string): void {
    const end = this.#kind === "function" ? "function_call_arguments" : "custom_tool_call_input";
    this.emit(`response.${end}.delta`, { delta });
  }
}

/** The plain text in a function's arguments; models sometimes write it there as it is. */
function unwrap(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "string") return value;
    const input = (value as Loose | null)?.[customInput];
    if (typeof input === "string") return input;
  } catch {
    // Not JSON, so it is the text itself.
  }
  return text;
}
