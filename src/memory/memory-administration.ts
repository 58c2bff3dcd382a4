import type { VectorRecord } from "../plugin/api/vector-store.ts";
import type { Fact, KeptConversation } from "../schema/memory.ts";
import type { Conversation } from "./contracts.ts";
import type { JobQueue } from "./job-queue.ts";
import type { LongTermMemory } from "./long-term-memory.ts";
import type { Memory } from "./memory.ts";

export interface ListOptions {
  readonly user?: string | undefined;
  readonly after?: string | undefined;
  readonly limit: number;
}

/** One thing to forget, or everything of a tenant. */
export type Forgettable =
  | { readonly conversation: string }
  | { readonly fact: string }
  | { readonly user: string }
  | "everything";

export interface Forgotten {
  readonly conversations: number;
  readonly facts: number;
}

const pageSize = 500;

/** What administrators see of memory, take out of it and have it forget. */
export class MemoryAdministration {
  readonly #memory: Memory;
  readonly #longTerm: LongTermMemory;
  readonly #jobs: JobQueue;

  constructor(memory: Memory, longTerm: LongTermMemory, jobs: JobQueue) {
    this.#memory = memory;
    this.#longTerm = longTerm;
    this.#jobs = jobs;
  }

  async tenants(): Promise<string[]> {
    const [conversations, facts] = await Promise.all([
      this.#memory.conversations.tenants(),
      this.#longTerm.tenants(),
    ]);
    return [...new Set([...conversations, ...facts])].sort();
  }

  async listConversations(tenant: string, options: ListOptions): Promise<Page<KeptConversation>> {
    const limit = options.limit + 1;
    const found = await this.#memory.conversations.list(tenant, { ...options, limit });
    return { data: found.slice(0, options.limit).map(viewConversation), hasMore: found.length === limit };
  }

  async listFacts(tenant: string, options: ListOptions): Promise<Page<Fact>> {
    const { records, hasMore } = await this.#longTerm.list(tenant, options);
    return { data: records.map((record) => viewFact(tenant, record)), hasMore };
  }

  async conversation(tenant: string, id: string): Promise<KeptConversation | undefined> {
    const found = await this.#memory.find(tenant, id);
    return found && viewConversation(found);
  }

  /** Everything that is kept of a tenant or of one of its users; one JSON object a line, each with a line end. */
  async *export(tenant: string, user?: string): AsyncGenerator<string> {
    const { conversations } = this.#memory;
    for (let after: string | undefined;;) {
      const page = await conversations.list(tenant, { user, after, limit: pageSize });
      for (const conversation of page) {
        yield line(viewConversation(conversation));
        yield* this.#items(tenant, conversation.id);
      }
      after = page.at(-1)?.id;
      if (page.length < pageSize) break;
    }
    for (let after: string | undefined;;) {
      const { records, hasMore } = await this.#longTerm.list(tenant, { user, after, limit: pageSize });
      for (const record of records) yield line(viewFact(tenant, record));
      after = records.at(-1)?.id;
      if (!hasMore) break;
    }
  }

  async forget(tenant: string, what: Forgettable): Promise<Forgotten> {
    if (what === "everything") {
      const facts = await this.#longTerm.forget(tenant, "everything");
      const conversations = await this.#forgetConversations(tenant);
      this.#jobs.cancel(tenant);
      return { conversations, facts };
    }
    if ("fact" in what) {
      return { conversations: 0, facts: await this.#longTerm.forget(tenant, { id: what.fact }) };
    }
    if ("conversation" in what) {
      const facts = await this.#longTerm.forget(tenant, { conversation: what.conversation });
      const removed = await this.#memory.forget(tenant, what.conversation);
      return { conversations: removed ? 1 : 0, facts };
    }
    const facts = await this.#longTerm.forget(tenant, { user: what.user });
    return { conversations: await this.#forgetConversations(tenant, what.user), facts };
  }

  async *#items(tenant: string, id: string): AsyncGenerator<string> {
    for (let after: string | undefined;;) {
      const page = await this.#memory.conversations.page(tenant, id, {
        order: "asc",
        after,
        limit: pageSize,
      });
      for (const { item, number } of page ?? []) {
        yield line({ object: "memory.item", tenant, conversation: id, number, item });
      }
      after = page?.at(-1)?.item.id ?? undefined;
      if (page === undefined || page.length < pageSize) break;
    }
  }

  async #forgetConversations(tenant: string, user?: string): Promise<number> {
    let forgotten = 0;
    for (;;) {
      const page = await this.#memory.conversations.list(tenant, { user, limit: pageSize });
      for (const { id } of page) if (await this.#memory.forget(tenant, id)) forgotten++;
      if (page.length < pageSize) return forgotten;
    }
  }
}

export interface Page<Entry> {
  readonly data: readonly Entry[];
  readonly hasMore: boolean;
}

function viewConversation(conversation: Conversation): KeptConversation {
  const { id, tenant, user, metadata, createdAt, updatedAt, last, summary } = conversation;
  return {
    object: "memory.conversation",
    id,
    tenant,
    user: user ?? null,
    metadata: { ...metadata },
    created_at: new Date(createdAt).toISOString(),
    updated_at: new Date(updatedAt).toISOString(),
    items: last,
    summary,
  };
}

function viewFact(tenant: string, { id, text, attributes }: VectorRecord): Fact {
  const { user, kind, conversation, created_at: createdAt, seen_at: seenAt } = attributes;
  const owner = String(user);
  return {
    object: "memory.fact",
    id,
    tenant,
    user: owner.startsWith("user:") ? owner.slice("user:".length) : null,
    kind: kind === "summary" ? "summary" : "fact",
    text,
    conversation: String(conversation),
    created_at: new Date(Number(createdAt)).toISOString(),
    seen_at: new Date(Number(seenAt)).toISOString(),
  };
}

function line(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}
