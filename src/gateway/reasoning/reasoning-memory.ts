import type { Store } from "../../plugin/api/store.ts";

type Loose = Readonly<Record<string, unknown>>;

/** What a model thought before it asked for tools, as its backend wants it back. */
export interface Reasoning {
  readonly reasoning_details?: readonly Loose[];
  readonly reasoning_content?: string;
  /** `extra_content` of the tool calls, by their ids. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** Tool loops last minutes; a conversation may be taken up again the next day. */
const keptMs = 24 * 60 * 60 * 1000;

/** One turn's reasoning, in characters of JSON; more is not worth the space. */
const longest = 1_000_000;

/**
 * Keeps reasoning for clients that do not send it back: many drop every field that they do not know, and several backends refuse
 * the next turn of a tool loop without it (wire rule 5). Found again by the ids of the tool calls that it led to.
 */
export class ReasoningMemory {
  readonly #store: Store;
  readonly #onError: (error: unknown) => void;

  /** @param onError told when the store fails; requests go on without it. Must not throw. */
  constructor(store: Store, onError: (error: unknown) => void) {
    this.#store = store;
    this.#onError = onError;
  }

  async remember(tenant: string, callIds: readonly string[], reasoning: Reasoning): Promise<void> {
    const text = JSON.stringify(reasoning);
    if (callIds.length === 0 || text === "{}" || text.length > longest) return;
    try {
      await this.#store.set(keyOf(tenant, callIds[0]!), text, { ttlMs: keptMs });
    } catch (error) {
      this.#onError(error);
    }
  }

  /** What led to these calls, which are those of one message; undefined when nothing is known of it. */
  async recall(tenant: string, callIds: readonly string[]): Promise<Reasoning | undefined> {
    if (callIds.length === 0) return undefined;
    try {
      const text = await this.#store.get(keyOf(tenant, callIds[0]!));
      return text === undefined ? undefined : JSON.parse(text) as Reasoning;
    } catch (error) {
      this.#onError(error);
      return undefined;
    }
  }
}

function keyOf(tenant: string, callId: string): string {
  return `reasoning/${encodeURIComponent(tenant)}/${callId}`;
}
