import type { ChatMessage, ToolCall } from "../../schema/chat-completion.ts";
import type { OperationName } from "../../router/contracts.ts";

type Loose = Readonly<Record<string, unknown>>;

interface Call {
  id: string;
  name: string;
  text: string;
}

/** Puts an answer together from its pieces, in the protocol that the client speaks. Of several choices the first. */
export class CollectedAnswer {
  readonly #operation: OperationName;
  readonly #calls = new Map<number, Call>();
  #text = "";
  #isWhole = false;

  constructor(operation: OperationName) {
    this.#operation = operation;
  }

  /** The backend has said that this is all. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** @param texts of events, as JSON; what is none counts for nothing. */
  add(texts: readonly string[]): void {
    for (const text of texts) {
      const event = parse(text);
      if (event === undefined) continue;
      if (this.#operation === "messages") this.#addEvent(event);
      else this.#addChunk(event);
    }
  }

  message(): ChatMessage {
    const calls = [...this.#calls.values()].map((call): ToolCall => ({
      id: call.id,
      type: "function",
      function: { name: call.name, arguments: call.text || "{}" },
    }));
    return {
      role: "assistant",
      content: this.#text,
      ...(calls.length === 0 ? {} : { tool_calls: calls }),
    };
  }

  #addChunk({ choices }: Loose): void {
    for (const choice of Array.isArray(choices) ? choices as Loose[] : []) {
      if (choice.index !== undefined && choice.index !== 0) continue;
      const delta = (choice.delta ?? {}) as Loose;
      for (const said of [delta.content, delta.refusal]) if (typeof said === "string") this.#text += said;
      for (const part of (delta.tool_calls ?? []) as Loose[]) {
        const { name, arguments: text } = (part.function ?? {}) as Loose;
        this.#addCall(Number(part.index ?? 0), part.id, name, text);
      }
      if (typeof choice.finish_reason === "string") this.#isWhole = true;
    }
  }

  #addEvent({ type, index, content_block: block, delta }: Loose): void {
    if (type === "message_stop") this.#isWhole = true;
    if (type === "content_block_start") {
      const { type: kind, id, name, text } = block as Loose;
      if (kind === "tool_use") this.#addCall(Number(index), id, name, "");
      if (kind === "text" && typeof text === "string") this.#text += text;
    }
    if (type === "content_block_delta") {
      const { type: kind, text, partial_json: json } = delta as Loose;
      if (kind === "text_delta") this.#text += String(text ?? "");
      if (kind === "input_json_delta") this.#addCall(Number(index), undefined, undefined, json);
    }
  }

  #addCall(index: number, id: unknown, name: unknown, text: unknown): void {
    const call = this.#calls.get(index) ?? { id: "", name: "", text: "" };
    this.#calls.set(index, call);
    if (typeof id === "string" && id !== "") call.id = id;
    if (typeof name === "string") call.name += name;
    if (typeof text === "string") call.text += text;
  }
}

function parse(text: string): Loose | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value as Loose : undefined;
  } catch {
    return undefined;
  }
}
