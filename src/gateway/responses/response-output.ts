import type { ResponseItem } from "../../schema/response.ts";
import { ReasoningCollector } from "../reasoning/reasoning-collector.ts";
import { CallItem, type Emit, MessageItem, type OutputItem, ReasoningItem } from "./output-items.ts";
import type { ResponseTurn } from "./response-turn.ts";
import { customTools } from "./tools-to-chat.ts";

type Loose = Readonly<Record<string, unknown>>;

/**
 * The items of an answer, made of a chat message or of the pieces of one. Reasoning and messages end where something else begins;
 * calls of tools may run beside each other until the end.
 */
export class ResponseOutput {
  readonly #turn: ResponseTurn;
  readonly #emit: Emit;
  readonly #customTools: ReadonlySet<string>;
  readonly #items: OutputItem[] = [];
  readonly #calls = new Map<number, CallItem>();
  #spoken: MessageItem | undefined;
  #thought: ReasoningItem | undefined;
  #reasoning = new ReasoningCollector();

  constructor(turn: ResponseTurn, emit: Emit) {
    this.#turn = turn;
    this.#emit = emit;
    this.#customTools = customTools(turn.request);
  }

  /** A message, or a piece of one, with the logarithms of its probabilities where the client asked for them. */
  add(delta: Loose, logprobs: unknown): void {
    this.#think(delta);
    if (isText(delta.content)) this.#message().say("output_text", delta.content, logprobsOf(logprobs));
    if (isText(delta.refusal)) this.#message().say("refusal", delta.refusal, []);
    if (Array.isArray(delta.annotations)) {
      for (const annotation of delta.annotations) this.#message().annotate(annotationOf(annotation));
    }
    if (Array.isArray(delta.tool_calls)) {
      delta.tool_calls.forEach((call: Loose, position) => this.#call(call, position));
    }
  }

  /** @param cut the answer was ended before it was complete */
  end(cut: boolean): void {
    const last = this.#items.length - 1;
    for (const item of this.#items) {
      const half = item instanceof CallItem && !item.isWhole;
      item.close(cut && (item.index === last || half) ? "incomplete" : "completed");
    }
  }

  /** The items as far as they have come. */
  items(): ResponseItem[] {
    return this.#items.map((item) => item.current());
  }

  /** Says nothing to the client, where something is open that this can be said of. */
  sayNothing(): void {
    this.#items.findLast((item) => item.isOpen)?.sayNothing();
  }

  #think(delta: Loose): void {
    const details = Array.isArray(delta.reasoning_details) ? delta.reasoning_details as Loose[] : [];
    const thought = delta.reasoning_content;
    if (details.length === 0) {
      if (isText(thought)) this.#reasoningItem("text").think(undefined, thought);
      return;
    }
    details.forEach((detail, position) => {
      const words = detail.type === "reasoning.summary" ? detail.summary : detail.text;
      const kind = detail.type === "reasoning.summary" ? "summary" : "text";
      const item = this.#reasoningItem(kind);
      if (isText(words)) item.think(detail.index ?? position, words);
    });
    this.#reasoning.add({ reasoning_details: details });
  }

  #reasoningItem(kind: "summary" | "text"): ReasoningItem {
    if (this.#thought?.isOpen) return this.#thought;
    this.#closeOthers();
    const collector = this.#reasoning = new ReasoningCollector();
    const asked = this.#turn.request.reasoning;
    const wantsSummary = Boolean(asked?.summary ?? asked?.generate_summary);
    const index = this.#items.length;
    this.#thought = new ReasoningItem(
      this.#turn.itemId("rs", index),
      index,
      this.#emit,
      wantsSummary ? "summary" : kind,
      () => collector.reasoning("details").reasoning_details ?? [],
    );
    this.#items.push(this.#thought);
    return this.#thought;
  }

  #message(): MessageItem {
    if (this.#spoken?.isOpen) return this.#spoken;
    this.#closeOthers();
    const index = this.#items.length;
    this.#spoken = new MessageItem(this.#turn.itemId("msg", index), index, this.#emit);
    this.#items.push(this.#spoken);
    return this.#spoken;
  }

  #call(call: Loose, position: number): void {
    const index = typeof call.index === "number" ? call.index : position;
    const { name, arguments: text } = (call.function ?? {}) as Loose;
    const { name: customName, input } = (call.custom ?? {}) as Loose;
    const known = this.#calls.get(index);
    const item = known ??
      this.#begin(index, String(call.id ?? ""), name ?? customName, call.custom !== undefined);
    const piece = call.custom === undefined ? text : input;
    if (isText(piece)) item.add(piece);
  }

  #begin(position: number, id: string, name: unknown, isCustom: boolean): CallItem {
    this.#closeOthers();
    const index = this.#items.length;
    const wrapped = this.#customTools.has(String(name));
    const kind = isCustom ? "custom" : wrapped ? "wrapped" : "function";
    const item = new CallItem(
      this.#turn.itemId(kind === "function" ? "fc" : "ctc", index),
      index,
      this.#emit,
      { id, name: String(name ?? ""), kind },
    );
    this.#calls.set(position, item);
    this.#items.push(item);
    return item;
  }

  /** A call whose arguments are not whole stays open: backends may send the pieces of several in turn. */
  #closeOthers(): void {
    for (const item of this.#items) {
      if (item.isOpen && !(item instanceof CallItem && !item.isWhole)) item.close("completed");
    }
  }
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

/** Clients want the bytes and the alternatives of every token, if only as empty lists. */
function logprobsOf(logprobs: unknown): Loose[] {
  const content = (logprobs as Loose | null | undefined)?.content;
  if (!Array.isArray(content)) return [];
  return content.map((entry: Loose) => ({
    token: entry.token,
    logprob: entry.logprob,
    bytes: entry.bytes ?? [],
    top_logprobs: (Array.isArray(entry.top_logprobs) ? entry.top_logprobs as Loose[] : []).map((other) => ({
      token: other.token,
      logprob: other.logprob,
      bytes: other.bytes ?? [],
    })),
  }));
}

function annotationOf(annotation: Loose): Loose {
  const { url_citation: citation, ...rest } = annotation;
  if (typeof citation !== "object" || citation === null) return rest;
  return { start_index: 0, end_index: 0, title: "", url: "", ...rest, ...citation };
}
