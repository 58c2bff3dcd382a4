import type { VectorRecord } from "../plugin/api/vector-store.ts";
import type { Fact, KeptConversation } from "../schema/memory.ts";
import type { ResponseItem } from "../schema/response.ts";
import type { Conversation, KeptItem } from "./contracts.ts";
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

/** What is written down of an administrator's act. */
export interface MemoryAct {
  /** The id of a key, or `command-line`. */
  readonly actor: string;
  readonly action: "memory.forget" | "memory.export";
  readonly resource: string;
}

const pageSize = 500;

/** What administrators see of memory, take out of it and have it forget. */
export class MemoryAdministration {
  readonly #memory: Memory;
  readonly #longTerm: LongTermMemory;
  readonly #jobs: JobQueue;
  readonly #audit: (act: MemoryAct) => void;

  /** @param audit writes an act down before it happens. */
  constructor(
    memory: Memory,
    longTerm: LongTermMemory,
    jobs: JobQueue,
    audit: (act: MemoryAct) => void = () => {},
  ) {
    this.#memory = memory;
    this.#longTerm = longTerm;
    this.#jobs = jobs;
    this.#audit = audit;
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
  async *export(tenant: string, user: string | undefined, actor: string): AsyncGenerator<string> {
    this.#audit({
      actor,
      action: "memory.export",
      resource: resourceOf(tenant, user === undefined ? "everything" : { user }),
    });
    const { conversations } = this.#memory;
    const listed = paged(
      (after) => conversations.list(tenant, { user, after, limit: pageSize }),
      ({ id }) => id,
    );
    for await (const conversation of listed) {
      yield line(viewConversation(conversation));
      for await (const kept of this.#items(tenant, conversation.id)) {
        yield line({ object: "memory.item", tenant, conversation: conversation.id, ...kept });
      }
    }
    const learnt = paged(
      async (after) => (await this.#longTerm.list(tenant, { user, after, limit: pageSize })).records,
      ({ id }) => id,
    );
    for await (const record of learnt) yield line(viewFact(tenant, record));
  }

  /** Every item of a conversation, oldest first. */
  async items(tenant: string, id: string): Promise<ResponseItem[]> {
    const items: ResponseItem[] = [];
    for await (const { item } of this.#items(tenant, id)) items.push(item);
    return items;
  }

  async forget(tenant: string, what: Forgettable, actor: string): Promise<Forgotten> {
    this.#audit({ actor, action: "memory.forget", resource: resourceOf(tenant, what) });
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

  #items(tenant: string, id: string): AsyncGenerator<KeptItem> {
    return paged(
      async (after) =>
        await this.#memory.conversations.page(tenant, id, { order: "asc", after, limit: pageSize }) ?? [],
      ({ item }) => item.id!,
    );
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

/** Every entry of a list that comes in pages. */
async function* paged<Entry>(
  read: (after: string | undefined) => Promise<readonly Entry[]>,
  idOf: (entry: Entry) => string,
): AsyncGenerator<Entry> {
  let after: string | undefined;
  let page: readonly Entry[];
  do {
    page = await read(after);
    yield* page;
    const last = page.at(-1);
    after = last && idOf(last);
  } while (page.length === pageSize);
}

function resourceOf(tenant: string, what: Forgettable): string {
  if (what === "everything") return `memory:${tenant}`;
  const [[kind, id] = []] = Object.entries(what);
  return `memory:${tenant}/${kind}:${id}`;
}

function line(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}
