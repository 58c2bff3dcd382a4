import type { Clock } from "../lib/clock.ts";
import type { MemoryPolicy, MemorySettings } from "../schema/memory.ts";
import type { ResponseItem } from "../schema/response.ts";
import {
  type Conversation,
  type ConversationBounds,
  type ConversationStore,
  MemoryUnavailable,
} from "./contracts.ts";
import { fitWindow } from "./fit-window.ts";
import { textTokens } from "./item-tokens.ts";
import type { JobQueue } from "./job-queue.ts";
import type { Embedding, LongTermMemory, NoteOwner } from "./long-term-memory.ts";
import type { RememberedNote } from "./remembered-text.ts";

export interface MemoryParts {
  readonly clock: Pick<Clock, "now" | "setTimeout" | "clearTimeout">;
  readonly conversations: ConversationStore;
  readonly longTerm: LongTermMemory;
  readonly jobs: JobQueue;
  readonly settings: () => MemorySettings;
  /** Told that there is something to do in the background; must not throw. */
  readonly onJob: () => void;
  /** Told when something is lost or late; must not throw. */
  readonly onError: (message: string, error: unknown) => void;
}

/** One turn that has ended well. */
export interface Turn {
  readonly tenant: string;
  readonly conversation: string;
  readonly user: string | undefined;
  /** What was said and what was answered; every item has an id. */
  readonly items: readonly ResponseItem[];
  /** The id of whoever called: summaries and facts are written on its behalf. */
  readonly caller: string;
  /** Absent where the conversation is only kept. */
  readonly policy: MemoryPolicy | undefined;
  /** Makes the conversation where there is none. */
  readonly opens: boolean;
}

/** What background work on a conversation needs to know. */
export interface ConversationWork {
  readonly caller: string;
  readonly user: string | null;
  readonly windowTokens: number;
  readonly facts: boolean;
}

/** A turn that waits for its store. */
export interface WaitingTurn {
  readonly items: readonly ResponseItem[];
  readonly user: string | null;
  readonly opens: boolean;
  readonly work: ConversationWork | undefined;
}

/** Conversations of the Conversations API begin so; only that API makes them. */
export const madeConversation = "conv_";

/** More turns than a store can be away for. */
const mostWaitingTurns = 10_000;
const dayMs = 86_400_000;

/** What requests want of memory. */
export class Memory {
  readonly #parts: MemoryParts;
  /** Turns that are being written, by their conversation: whoever reads it next waits for them. */
  readonly #writing = new Map<string, Promise<void>>();

  constructor(parts: MemoryParts) {
    this.#parts = parts;
  }

  get conversations(): ConversationStore {
    return this.#parts.conversations;
  }

  /** A conversation; undefined where the tenant has none of that id. */
  async find(tenant: string, id: string): Promise<Conversation | undefined> {
    await this.#writing.get(keyOf(tenant, id));
    return await this.#bounded(this.#parts.conversations.find(tenant, id));
  }

  /**
   * What is sent along of a conversation: all that fits, oldest first. Instructions are never left out.
   *
   * @param tokens most of them, what the summary takes included; everything when absent.
   * @param awaited calls whose results the new turn brings.
   */
  async window(
    { tenant, id, condensed, summary }: Conversation,
    tokens?: number,
    awaited: ReadonlySet<string> = new Set(),
  ): Promise<ResponseItem[]> {
    const { conversations, settings } = this.#parts;
    const most = settings().max_items;
    // Only conversations of the API have instructions among their items, which stay whatever has been condensed.
    const isWhole = tokens === undefined || id.startsWith(madeConversation);
    const kept = await this.#bounded(
      isWhole
        ? conversations.since(tenant, id, 0, most)
        : conversations.since(tenant, id, condensed, Math.min(most, tokens)),
    );
    if (tokens === undefined) return kept.map(({ item }) => item);
    const items = kept.filter(({ item, number }) =>
      number > condensed || item.role === "system" || item.role === "developer"
    )
      .map(({ item }) => item);
    const fits = fitWindow(items, { tokens: Math.max(0, tokens - textTokens(summary)), awaited });
    return items.filter((_, index) => fits[index]);
  }

  /** @throws {MemoryUnavailable} when it takes too long or fails. */
  async recall(
    owner: NoteOwner,
    question: string,
    policy: MemoryPolicy,
    embedding?: Embedding,
  ): Promise<RememberedNote[]> {
    return await this.#bounded(this.#parts.longTerm.recall(owner, question, policy, embedding));
  }

  /**
   * Keeps a turn, behind those of its conversation that came before. Where the store does not answer the turn waits on disk, and is
   * written when it does.
   */
  remember(turn: Turn): Promise<void> {
    const key = keyOf(turn.tenant, turn.conversation);
    const before = this.#writing.get(key) ?? Promise.resolve();
    const written = before.then(() => this.#write(turn)).catch((error) =>
      this.#parts.onError("a turn of a conversation is lost", error)
    ).finally(() => {
      if (this.#writing.get(key) === written) this.#writing.delete(key);
    });
    this.#writing.set(key, written);
    return written;
  }

  /** Adds items that somebody gives; undefined where there is no such conversation. */
  async add(
    tenant: string,
    id: string,
    items: readonly ResponseItem[],
  ): Promise<Conversation | undefined> {
    await this.#writing.get(keyOf(tenant, id));
    return await this.#bounded(
      this.#parts.conversations.append(tenant, id, items, conversationBounds(this.#parts.settings())),
    );
  }

  /** Forgets a conversation and whatever was learnt in it; false where there was none. */
  async forget(tenant: string, id: string): Promise<boolean> {
    const { conversations, jobs, longTerm } = this.#parts;
    await this.#writing.get(keyOf(tenant, id));
    jobs.cancel(tenant, id);
    const removed = await conversations.remove(tenant, id);
    if (removed) await longTerm.forget(tenant, { conversation: id });
    return removed;
  }

  async #write(turn: Turn): Promise<void> {
    const { conversations, jobs, onError, settings } = this.#parts;
    const { tenant, conversation, user, items, opens } = turn;
    const work = workOf(turn);
    // A turn must not overtake one that waits.
    if (!jobs.has("append", tenant, conversation)) {
      try {
        const bounds = conversationBounds(settings());
        const kept = await conversations.append(
          tenant,
          conversation,
          items,
          bounds,
          opens ? { user } : undefined,
        );
        if (kept !== undefined && work !== undefined) this.plan(tenant, conversation, work);
        return;
      } catch (error) {
        if (!(error instanceof MemoryUnavailable)) throw error;
        onError("a turn waits on disk for the store of conversations", error);
      }
    }
    if (jobs.count("append") >= mostWaitingTurns) throw new Error("too many turns wait already");
    const payload: WaitingTurn = { items, user: user ?? null, opens, work };
    const name = `append ${crypto.randomUUID()}`;
    jobs.add({ name, kind: "append", tenant, conversation, payload }, 1_000);
    this.#parts.onJob();
  }

  /** Has summaries and facts written, in a while. */
  plan(tenant: string, conversation: string, work: ConversationWork): void {
    const { jobs, settings, onJob } = this.#parts;
    const { model, learn_after_seconds: seconds } = settings();
    if (model === undefined) return;
    const add = (kind: "condense" | "learn", delayMs: number) =>
      jobs.add({
        name: JSON.stringify([kind, tenant, conversation]),
        kind,
        tenant,
        conversation,
        payload: work,
      }, delayMs);
    if (work.windowTokens > 0) add("condense", 0);
    if (work.facts) add("learn", seconds * 1000);
    onJob();
  }

  /** Nobody waits for a memory longer than was said. */
  async #bounded<Value>(work: Promise<Value>): Promise<Value> {
    const { clock, settings } = this.#parts;
    const limit = settings().recall_timeout_ms;
    let timer: ReturnType<typeof clock.setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = clock.setTimeout(
        () => reject(new MemoryUnavailable(`the memory did not answer within ${limit} ms`)),
        limit,
      );
    });
    // Whoever is late may fail unheard.
    work.catch(() => {});
    try {
      return await Promise.race([work, late]);
    } finally {
      if (timer !== undefined) clock.clearTimeout(timer);
    }
  }
}

export function conversationBounds(settings: MemorySettings): ConversationBounds {
  return {
    items: settings.max_items,
    bytes: settings.max_bytes,
    retentionMs: settings.retention_days * dayMs,
  };
}

function workOf({ caller, user, policy }: Turn): ConversationWork | undefined {
  if (policy === undefined) return undefined;
  return {
    caller,
    user: user ?? null,
    windowTokens: policy.window_tokens,
    facts: policy.facts && policy.recall_tokens > 0,
  };
}

function keyOf(tenant: string, id: string): string {
  return JSON.stringify([tenant, id]);
}
