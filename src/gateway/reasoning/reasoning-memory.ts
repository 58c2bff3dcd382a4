import { createHash } from "node:crypto";
import type { Store } from "../../plugin/api/store.ts";
import type { ChatMessage, ToolCall } from "../../schema/chat-completion.ts";

type Loose = Readonly<Record<string, unknown>>;

/** What a model thought before it asked for tools, as its backend wants it back. */
export interface Reasoning {
  readonly reasoning_details?: readonly Loose[];
  readonly reasoning_content?: string;
  /** `extra_content` of the tool calls, by their ids. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** One turn of a conversation that ended in tool calls. */
export interface ThoughtTurn {
  readonly tenant: string;
  /** The provider's name. */
  readonly provider: string;
  /** The last message before the turn. */
  readonly before: ChatMessage | undefined;
  readonly calls: readonly ToolCall[];
}

/** Tool loops last minutes; a conversation may be taken up again the next day. */
const keptMs = 24 * 60 * 60 * 1000;

/** One turn's reasoning, in characters of JSON; more is not worth the space. */
const longest = 1_000_000;

/**
 * Keeps reasoning for clients that do not send it back: many drop every field that they do not know, and several backends refuse
 * the next turn of a tool loop without it (wire rule 5). Found again by the tool calls that it led to and by what came before.
 */
export class ReasoningMemory {
  readonly #store: Store;
  readonly #onError: (error: unknown) => void;

  /** @param onError told when the store fails; requests go on without it. Must not throw. */
  constructor(store: Store, onError: (error: unknown) => void) {
    this.#store = store;
    this.#onError = onError;
  }

  async remember(turn: ThoughtTurn, reasoning: Reasoning): Promise<void> {
    const text = JSON.stringify(reasoning);
    if (turn.calls.length === 0 || text === "{}" || text.length > longest) return;
    try {
      await this.#store.set(keyOf(turn), text, { ttlMs: keptMs });
    } catch (error) {
      this.#onError(error);
    }
  }

  /** What led to the calls of this turn; undefined when nothing is known of it. */
  async recall(turn: ThoughtTurn): Promise<Reasoning | undefined> {
    if (turn.calls.length === 0) return undefined;
    try {
      const text = await this.#store.get(keyOf(turn));
      return text === undefined ? undefined : JSON.parse(text) as Reasoning;
    } catch (error) {
      this.#onError(error);
      return undefined;
    }
  }
}

/**
 * Ids of calls alone would not do: many backends number them from 0 in every answer, and one conversation must never get what was thought
 * in another. The same calls with the same input after the same words, from the same backend, are the same turn.
 */
function keyOf({ tenant, provider, before, calls }: ThoughtTurn): string {
  const content = JSON.stringify([
    provider,
    before?.role,
    before?.content ?? null,
    calls.map(({ id, function: called }) => [id, called?.name, canonical(called?.arguments ?? "")]),
  ]);
  return `reasoning/${encodeURIComponent(tenant)}/${createHash("sha256").update(content).digest("hex")}`;
}

/** Some clients write arguments anew. */
function canonical(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text || "{}"));
  } catch {
    return text;
  }
}
