import { createHash } from "node:crypto";
import type { Clock } from "../lib/clock.ts";
import type { VectorFilter, VectorMatch, VectorRecord, VectorStore } from "../plugin/api/vector-store.ts";
import type { MemoryPolicy } from "../schema/memory.ts";
import type { MemoryModels } from "./contracts.ts";
import { textTokens } from "./item-tokens.ts";
import { noteScore } from "./rank-notes.ts";
import type { RememberedNote } from "./remembered-text.ts";

/** Whose facts: a user's, or those of one conversation whose user is not known. Of one tenant, always. */
export interface NoteOwner {
  readonly tenant: string;
  readonly user: string | undefined;
  readonly conversation: string;
}

export interface LearntNote {
  readonly kind: RememberedNote["kind"];
  readonly text: string;
}

/** Makes vectors on behalf of a caller; absent where no embedding model is configured. */
export interface Embedding {
  readonly model: string;
  readonly models: Pick<MemoryModels, "embed">;
}

/** Texts whose vectors are as near as this say the same. */
const sameMeaning = 0.95;
/** Texts that share so many of their words say the same. */
const sameWords = 0.85;

/** Facts and summaries, found again by similarity and recency. */
export class LongTermMemory {
  readonly #store: VectorStore;
  readonly #clock: Pick<Clock, "now">;

  constructor(store: VectorStore, clock: Pick<Clock, "now">) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Without an embedding model it can learn and recall nothing. */
  get needsVectors(): boolean {
    return !this.#store.searchesText;
  }

  /** Keeps what is new; of what is known already it notes that it was heard again. */
  async learn(owner: NoteOwner, notes: readonly LearntNote[], embedding?: Embedding): Promise<void> {
    if (notes.length === 0 || (this.needsVectors && embedding === undefined)) return;
    const vectors = await embedding?.models.embed(embedding.model, notes.map(({ text }) => text));
    for (const [index, note] of notes.entries()) {
      const values = vectors?.[index];
      const vector = values === undefined ? undefined : { space: embedding!.model, values };
      const known = note.kind === "fact" ? await this.#known(owner, note.text, vector) : undefined;
      const now = this.#clock.now();
      const id = known?.id ?? idOf(owner, note);
      const former = known ?? await this.#find(owner.tenant, id, owner);
      await this.#store.upsert(owner.tenant, [{
        id,
        text: note.text,
        ...(vector === undefined ? {} : { vector }),
        attributes: {
          user: ownerName(owner),
          kind: note.kind,
          conversation: owner.conversation,
          created_at: former?.attributes.created_at ?? now,
          seen_at: now,
        },
      }]);
    }
  }

  /** What helps to answer a question, best first and within the policy's bounds. */
  async recall(
    owner: NoteOwner,
    question: string,
    policy: MemoryPolicy,
    embedding?: Embedding,
  ): Promise<RememberedNote[]> {
    if (policy.recall_tokens === 0 || (this.needsVectors && embedding === undefined)) return [];
    const where = { user: ownerName(owner) };
    // A question's vector costs money and time, and most users have told nothing yet.
    if (
      !this.needsVectors && (await this.#store.list(owner.tenant, { where, limit: 1 })).records.length === 0
    ) {
      return [];
    }
    const matches = embedding === undefined
      ? await this.#byWords(owner.tenant, question, where, policy)
      : await this.#byVector(owner.tenant, question, where, policy, embedding);
    const options = {
      halfLifeDays: policy.half_life_days,
      recencyWeight: policy.recency_weight,
      now: this.#clock.now(),
    };
    const ranked = matches
      // The summary of this very conversation is shown with its turns.
      .filter(({ attributes }) =>
        attributes.kind !== "summary" || attributes.conversation !== owner.conversation
      )
      .map((match) => ({
        note: noteOf(match),
        score: noteScore({ ...match, at: seenAt(match) }, options),
        match,
      }))
      .sort((one, other) => other.score - one.score || (one.match.id < other.match.id ? -1 : 1));
    return withinBudget(ranked.map(({ note }) => note), policy);
  }

  async list(
    tenant: string,
    { user, after, limit }: { user?: string | undefined; after?: string | undefined; limit: number },
  ): Promise<{ readonly records: readonly VectorRecord[]; readonly hasMore: boolean }> {
    const { records, cursor } = await this.#store.list(tenant, {
      ...(user === undefined ? {} : { where: { user: `user:${user}` } }),
      ...(after === undefined ? {} : { cursor: after }),
      limit,
    });
    return { records, hasMore: cursor !== undefined };
  }

  forget(
    tenant: string,
    which:
      | { readonly id: string }
      | { readonly user: string }
      | { readonly conversation: string }
      | "everything",
  ): Promise<number> {
    if (which === "everything") return this.#store.delete(tenant);
    if ("id" in which) return this.#store.delete(tenant, { ids: [which.id] });
    const where: VectorFilter = "user" in which
      ? { user: `user:${which.user}` }
      : { conversation: which.conversation };
    return this.#store.delete(tenant, { where });
  }

  tenants(): Promise<readonly string[]> {
    return this.#store.partitions();
  }

  /** Removes what was last heard before then; gives how many. */
  async expire(before: number): Promise<number> {
    let removed = 0;
    for (const tenant of await this.tenants()) {
      for (let cursor: string | undefined, isFirst = true; isFirst || cursor !== undefined; isFirst = false) {
        const page = await this.#store.list(tenant, cursor === undefined ? {} : { cursor });
        const old = page.records.filter((record) => seenAt(record) < before).map(({ id }) => id);
        if (old.length > 0) removed += await this.#store.delete(tenant, { ids: old });
        cursor = page.cursor;
      }
    }
    return removed;
  }

  close(): void | Promise<void> {
    return this.#store.close?.();
  }

  async #byVector(
    tenant: string,
    question: string,
    where: VectorFilter,
    { min_similarity: least, recall_limit: limit }: MemoryPolicy,
    { model, models }: Embedding,
  ): Promise<VectorMatch[]> {
    const [values] = await models.embed(model, [question]);
    if (values === undefined) return [];
    const found = await this.#store.query(tenant, {
      vector: { space: model, values },
      where,
      limit: limit * 4,
    });
    return found.filter(({ similarity }) => similarity >= least);
  }

  /** Words miss what is said with others, so what was heard last is added. */
  async #byWords(
    tenant: string,
    question: string,
    where: VectorFilter,
    { recall_limit: limit }: MemoryPolicy,
  ): Promise<VectorMatch[]> {
    const found = await this.#store.query(tenant, { text: question, where, limit: limit * 4 });
    const { records } = await this.#store.list(tenant, { where, limit: 1000 });
    const known = new Set(found.map(({ id }) => id));
    const latest = records.filter(({ id }) => !known.has(id))
      .sort((one, other) => seenAt(other) - seenAt(one)).slice(0, limit);
    return [...found, ...latest.map((record) => ({ ...record, similarity: 0 }))];
  }

  async #known(
    owner: NoteOwner,
    text: string,
    vector: VectorRecord["vector"],
  ): Promise<VectorRecord | undefined> {
    const where = { user: ownerName(owner), kind: "fact" };
    const query = vector === undefined ? { text } : { vector };
    const found = await this.#store.query(owner.tenant, { ...query, where, limit: 5 });
    return found.find((match) =>
      vector === undefined ? sharedWords(match.text, text) >= sameWords : match.similarity >= sameMeaning
    );
  }

  async #find(tenant: string, id: string, owner: NoteOwner): Promise<VectorRecord | undefined> {
    const { records } = await this.#store.list(tenant, { where: { user: ownerName(owner) }, limit: 1000 });
    return records.find((record) => record.id === id);
  }
}

function ownerName({ user, conversation }: NoteOwner): string {
  return user === undefined ? `conversation:${conversation}` : `user:${user}`;
}

/** The same words are the same fact; a conversation has one summary. */
function idOf(owner: NoteOwner, { kind, text }: LearntNote): string {
  const content = kind === "summary" ? owner.conversation : wordsOf(text).join(" ");
  const hash = createHash("sha256").update(JSON.stringify([owner.tenant, ownerName(owner), kind, content]));
  return `${kind}_${hash.digest("hex").slice(0, 24)}`;
}

function wordsOf(text: string): string[] {
  return text.normalize("NFKC").toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}

/** Of the words of both, those that are in both; from 0 to 1. */
function sharedWords(one: string, other: string): number {
  const [first, second] = [new Set(wordsOf(one)), new Set(wordsOf(other))];
  const all = new Set([...first, ...second]);
  return all.size === 0 ? 1 : [...first].filter((word) => second.has(word)).length / all.size;
}

function seenAt({ attributes }: Pick<VectorRecord, "attributes">): number {
  return Number(attributes.seen_at ?? 0);
}

function noteOf(record: VectorRecord): RememberedNote {
  return {
    kind: record.attributes.kind === "summary" ? "summary" : "fact",
    text: record.text,
    at: seenAt(record),
  };
}

function withinBudget(
  notes: readonly RememberedNote[],
  { recall_limit: limit, recall_tokens: most }: MemoryPolicy,
): RememberedNote[] {
  const chosen: RememberedNote[] = [];
  let tokens = 0;
  for (const note of notes) {
    const cost = textTokens(note.text) + 16;
    if (chosen.length === limit || tokens + cost > most) continue;
    tokens += cost;
    chosen.push(note);
  }
  return chosen;
}
