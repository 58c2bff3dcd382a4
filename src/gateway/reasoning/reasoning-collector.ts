import type { ToolCall } from "../../schema/chat-completion.ts";
import type { Reasoning } from "./reasoning-memory.ts";

type Loose = Readonly<Record<string, unknown>>;

/** Fields of reasoning items that come in pieces; the others come whole. */
const pieced = ["text", "summary", "data"] as const;

/** Gathers what an answer says of its reasoning, from its pieces or from all of it at once. */
export class ReasoningCollector {
  readonly calls: ToolCall[] = [];
  readonly #byIndex = new Map<unknown, ToolCall>();
  readonly #details = new Map<unknown, Record<string, unknown>>();
  readonly #extra: Record<string, unknown> = {};
  #text = "";

  /** A message, or a piece of one. */
  add({ reasoning_details: details, reasoning_content: text, reasoning, tool_calls: calls }: Loose): void {
    if (Array.isArray(details)) details.forEach((detail, position) => this.#addDetail(detail, position));
    const thought = text ?? reasoning;
    if (typeof thought === "string") this.#text += thought;
    if (!Array.isArray(calls)) return;
    for (const call of calls as Loose[]) this.#addCall(call);
  }

  #addCall(call: Loose): void {
    const { name, arguments: text } = (call?.function ?? {}) as Loose;
    const known = call?.index === undefined ? undefined : this.#byIndex.get(call.index);
    if (known !== undefined) {
      known.function!.arguments += typeof text === "string" ? text : "";
      return;
    }
    if (typeof call?.id !== "string" || call.id === "") return;
    const begun = {
      id: call.id,
      function: { name: String(name), arguments: typeof text === "string" ? text : "" },
    };
    this.calls.push(begun);
    this.#byIndex.set(call.index, begun);
    if (call.extra_content !== undefined) this.#extra[call.id] = call.extra_content;
  }

  reasoning(replay: "details" | "text"): Reasoning {
    if (replay === "text") return this.#text === "" ? {} : { reasoning_content: this.#text };
    const details = [...this.#details.values()];
    return {
      ...(details.length === 0 ? {} : { reasoning_details: details }),
      ...(Object.keys(this.#extra).length === 0 ? {} : { extra: this.#extra }),
    };
  }

  /** Pieces of one item have one index and one type. */
  #addDetail(detail: unknown, position: number): void {
    if (typeof detail !== "object" || detail === null) return;
    const given = detail as Record<string, unknown>;
    const key = `${String(given.type)}:${String(given.index ?? position)}:${String(given.id ?? "")}`;
    const known = this.#details.get(key);
    if (known === undefined) {
      this.#details.set(key, { ...given });
      return;
    }
    for (const [field, value] of Object.entries(given)) {
      const isPiece = (pieced as readonly string[]).includes(field) && typeof known[field] === "string";
      if (isPiece && typeof value === "string") known[field] += value;
      else if (value !== undefined && value !== null) known[field] = value;
    }
  }
}
