import type { Clock } from "../lib/clock.ts";
import type { Database, DatabaseValue } from "../plugin/api/host.ts";
import type { ResponseItem } from "../schema/response.ts";
import type {
  Conversation,
  ConversationBounds,
  ConversationPageOptions,
  ConversationStore,
  KeptItem,
  NewConversation,
} from "./contracts.ts";

type Row = Record<string, DatabaseValue>;

/** Conversations in one SQLite file; several processes may share it. */
export class SqliteConversationStore implements ConversationStore {
  readonly #database: Database;
  readonly #clock: Pick<Clock, "now">;

  constructor(database: Database, clock: Pick<Clock, "now">) {
    this.#database = database;
    this.#clock = clock;
    database.exec(`
      CREATE TABLE IF NOT EXISTS conversations (
        tenant TEXT NOT NULL, id TEXT NOT NULL, user TEXT, metadata TEXT NOT NULL,
        created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
        summary TEXT NOT NULL DEFAULT '', condensed INTEGER NOT NULL DEFAULT 0, learnt INTEGER NOT NULL DEFAULT 0,
        last INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (tenant, id)
      ) WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS conversations_age ON conversations (updated_at);
      CREATE INDEX IF NOT EXISTS conversations_user ON conversations (tenant, user, id);
      CREATE TABLE IF NOT EXISTS items (
        tenant TEXT NOT NULL, conversation TEXT NOT NULL, number INTEGER NOT NULL, id TEXT NOT NULL,
        item TEXT NOT NULL, bytes INTEGER NOT NULL, PRIMARY KEY (tenant, conversation, number)
      ) WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS items_id ON items (tenant, conversation, id);
    `);
  }

  create({ tenant, id, user, metadata }: NewConversation): Promise<Conversation | undefined> {
    return attempt(() => {
      const { changes } = this.#insert(tenant, id, user, metadata);
      return changes === 0 ? undefined : this.#find(tenant, id);
    });
  }

  find(tenant: string, id: string): Promise<Conversation | undefined> {
    return attempt(() => this.#find(tenant, id));
  }

  setMetadata(tenant: string, id: string, metadata: Readonly<Record<string, string>>) {
    return attempt(() => {
      this.#database.prepare("UPDATE conversations SET metadata = ? WHERE tenant = ? AND id = ?")
        .run(JSON.stringify(metadata), tenant, id);
      return this.#find(tenant, id);
    });
  }

  append(
    tenant: string,
    id: string,
    items: readonly ResponseItem[],
    bounds: ConversationBounds,
    open?: { readonly user: string | undefined },
  ): Promise<Conversation | undefined> {
    return attempt(() =>
      this.#database.transaction(() => {
        if (open !== undefined) this.#insert(tenant, id, open.user, {});
        const found = this.#find(tenant, id);
        if (found === undefined) return undefined;
        const insert = this.#database.prepare("INSERT INTO items VALUES (?, ?, ?, ?, ?, ?)");
        let number = found.last;
        for (const item of items) {
          if (this.#row(tenant, id, item.id!) !== undefined) continue;
          const text = JSON.stringify(item);
          insert.run(tenant, id, ++number, item.id!, text, Buffer.byteLength(text));
        }
        this.#database.prepare(
          "UPDATE conversations SET last = ?, updated_at = ? WHERE tenant = ? AND id = ?",
        )
          .run(number, this.#clock.now(), tenant, id);
        this.#trim(tenant, id, bounds);
        return this.#find(tenant, id);
      })
    );
  }

  page(
    tenant: string,
    id: string,
    { limit, order, after }: ConversationPageOptions,
  ): Promise<KeptItem[] | undefined> {
    return attempt(() => {
      let from = order === "asc" ? 0 : Number.MAX_SAFE_INTEGER;
      if (after !== undefined) {
        const row = this.#row(tenant, id, after);
        if (row === undefined) return undefined;
        from = row.number as number;
      }
      const [beyond, direction] = order === "asc" ? [">", "ASC"] : ["<", "DESC"];
      return this.#database.prepare(
        `SELECT number, item FROM items WHERE tenant = ? AND conversation = ? AND number ${beyond} ?
         ORDER BY number ${direction} LIMIT ?`,
      ).all(tenant, id, from, limit).map(keptItem);
    });
  }

  since(tenant: string, id: string, number: number, limit: number): Promise<KeptItem[]> {
    return attempt(() =>
      this.#database.prepare(
        `SELECT number, item FROM items WHERE tenant = ? AND conversation = ? AND number > ?
         ORDER BY number DESC LIMIT ?`,
      ).all(tenant, id, number, limit).map(keptItem).reverse()
    );
  }

  item(tenant: string, id: string, itemId: string): Promise<ResponseItem | undefined> {
    return attempt(() => {
      const row = this.#row(tenant, id, itemId);
      return row && keptItem(row).item;
    });
  }

  removeItem(tenant: string, id: string, itemId: string): Promise<boolean> {
    return attempt(() =>
      this.#database.prepare("DELETE FROM items WHERE tenant = ? AND conversation = ? AND id = ?")
        .run(tenant, id, itemId).changes > 0
    );
  }

  progress(
    tenant: string,
    id: string,
    expected: Pick<Conversation, "condensed" | "learnt">,
    next: Partial<Pick<Conversation, "condensed" | "learnt" | "summary">>,
  ): Promise<boolean> {
    return attempt(() =>
      this.#database.prepare(
        `UPDATE conversations SET condensed = coalesce(?, condensed), learnt = coalesce(?, learnt),
           summary = coalesce(?, summary)
         WHERE tenant = ? AND id = ? AND condensed = ? AND learnt = ?`,
      ).run(
        next.condensed ?? null,
        next.learnt ?? null,
        next.summary ?? null,
        tenant,
        id,
        expected.condensed,
        expected.learnt,
      ).changes > 0
    );
  }

  list(
    tenant: string,
    { user, after = "", limit }: { user?: string | undefined; after?: string | undefined; limit: number },
  ): Promise<Conversation[]> {
    return attempt(() => {
      const whose = user === undefined ? "" : " AND user = ?";
      return this.#database.prepare(
        `SELECT * FROM conversations WHERE tenant = ?${whose} AND id > ? ORDER BY id LIMIT ?`,
      ).all(tenant, ...(user === undefined ? [] : [user]), after, limit).map(conversationOf);
    });
  }

  remove(tenant: string, id: string): Promise<boolean> {
    return attempt(() => this.#database.transaction(() => this.#remove(tenant, id)));
  }

  tenants(): Promise<string[]> {
    return attempt(() =>
      this.#database.prepare("SELECT DISTINCT tenant FROM conversations ORDER BY tenant").all()
        .map((row) => row.tenant as string)
    );
  }

  expire(before: number): Promise<number> {
    return attempt(() =>
      this.#database.transaction(() => {
        const old = this.#database.prepare("SELECT tenant, id FROM conversations WHERE updated_at < ?").all(
          before,
        );
        for (const { tenant, id } of old) this.#remove(tenant as string, id as string);
        return old.length;
      })
    );
  }

  close(): void {
    this.#database.close();
  }

  #find(tenant: string, id: string): Conversation | undefined {
    const row = this.#database.prepare("SELECT * FROM conversations WHERE tenant = ? AND id = ?").get(
      tenant,
      id,
    );
    return row && conversationOf(row);
  }

  #row(tenant: string, id: string, itemId: string): Row | undefined {
    return this.#database.prepare(
      "SELECT number, item FROM items WHERE tenant = ? AND conversation = ? AND id = ?",
    ).get(tenant, id, itemId);
  }

  #insert(
    tenant: string,
    id: string,
    user: string | undefined,
    metadata: Readonly<Record<string, string>>,
  ) {
    const now = this.#clock.now();
    return this.#database.prepare(
      `INSERT OR IGNORE INTO conversations (tenant, id, user, metadata, created_at, updated_at)
       VALUES (?, ?, ?, ?, ?, ?)`,
    ).run(tenant, id, user ?? null, JSON.stringify(metadata), now, now);
  }

  #trim(tenant: string, id: string, { items, bytes }: ConversationBounds): void {
    // The sum runs from the newest item back, so that the oldest are those beyond the bounds.
    this.#database.prepare(
      `DELETE FROM items WHERE tenant = ?1 AND conversation = ?2 AND number <= coalesce((
         SELECT max(number) FROM (
           SELECT number, row_number() OVER newest AS position, sum(bytes) OVER newest AS total
           FROM items WHERE tenant = ?1 AND conversation = ?2 WINDOW newest AS (ORDER BY number DESC)
         ) WHERE position > ?3 OR total > ?4
       ), 0)`,
    ).run(tenant, id, items, bytes);
  }

  #remove(tenant: string, id: string): boolean {
    this.#database.prepare("DELETE FROM items WHERE tenant = ? AND conversation = ?").run(tenant, id);
    return this.#database.prepare("DELETE FROM conversations WHERE tenant = ? AND id = ?").run(tenant, id)
      .changes > 0;
  }
}

function conversationOf(row: Row): Conversation {
  return {
    tenant: row.tenant as string,
    id: row.id as string,
    user: (row.user as string | null) ?? undefined,
    metadata: JSON.parse(row.metadata as string),
    createdAt: row.created_at as number,
    updatedAt: row.updated_at as number,
    summary: row.summary as string,
    condensed: row.condensed as number,
    learnt: row.learnt as number,
    last: row.last as number,
  };
}

function keptItem({ number, item }: Row): KeptItem {
  return { number: number as number, item: JSON.parse(item as string) };
}

/** The driver is synchronous; its errors must still arrive as rejections. */
function attempt<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => resolve(work()));
}
