import type { Clock } from "../lib/clock.ts";
import { timedId } from "../lib/timed-id.ts";
import type { Database, DatabaseValue } from "../plugin/api/host.ts";
import { sharedTenant } from "./contracts.ts";
import { type Page, type PageRequest, type Row, Statements } from "./statements.ts";

/** Times are milliseconds since the epoch. */
export interface StoreRecord {
  readonly id: string;
  readonly tenant: string;
  readonly name: string;
  readonly description: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly createdAt: number;
  readonly lastActiveAt: number;
  /** Days without use after which it goes. */
  readonly expiresAfterDays: number | undefined;
  /** What made its vectors, and how long they are; undefined before there are any. */
  readonly embeddingModel: string | undefined;
  readonly dimensions: number | undefined;
}

/** The vector stores there are; what is in them is kept elsewhere. */
export class StoreCatalog {
  readonly #statements: Statements;
  readonly #clock: Pick<Clock, "now">;

  constructor(database: Database, clock: Pick<Clock, "now">) {
    this.#statements = new Statements(database);
    this.#clock = clock;
    database.exec(`
      CREATE TABLE IF NOT EXISTS stores (
        id TEXT PRIMARY KEY, tenant TEXT NOT NULL, name TEXT NOT NULL, description TEXT, metadata TEXT NOT NULL,
        created_at INTEGER NOT NULL, last_active_at INTEGER NOT NULL, expires_days INTEGER, embedding_model TEXT, dimensions INTEGER
      ) WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS stores_tenant ON stores (tenant, id);
      CREATE INDEX IF NOT EXISTS stores_name ON stores (tenant, name);
    `);
  }

  add(
    store: Pick<StoreRecord, "tenant" | "name" | "description" | "metadata" | "expiresAfterDays">,
  ): StoreRecord {
    const now = this.#clock.now();
    const id = `vs_${timedId(now).replaceAll("-", "")}`;
    this.#statements.run(
      "INSERT INTO stores (id, tenant, name, description, metadata, created_at, last_active_at, expires_days) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      id,
      store.tenant,
      store.name,
      store.description ?? null,
      JSON.stringify(store.metadata),
      now,
      now,
      store.expiresAfterDays ?? null,
    );
    return {
      ...store,
      id,
      createdAt: now,
      lastActiveAt: now,
      embeddingModel: undefined,
      dimensions: undefined,
    };
  }

  /** @param tenant whose store it must be; anybody's when absent. */
  find(id: string, tenant?: string): StoreRecord | undefined {
    const row = this.#statements.get(
      "SELECT * FROM stores WHERE id = ? AND (?2 IS NULL OR tenant = ?2)",
      id,
      tenant ?? null,
    );
    return row && storeOf(row);
  }

  /** A store by its id or its name: the tenant's own before a shared one, of several of a name the oldest. */
  visible(idOrName: string, tenant: string): StoreRecord | undefined {
    const row = this.#statements.get(
      `SELECT * FROM stores WHERE (id = ?1 OR name = ?1) AND tenant IN (?2, ?3)
       ORDER BY tenant = ?2 DESC, id = ?1 DESC, id LIMIT 1`,
      idOrName,
      tenant,
      sharedTenant,
    );
    return row && storeOf(row);
  }

  list(tenant: string, page: PageRequest): Page<StoreRecord> {
    return this.#statements.page("stores", "id", "tenant IN (?, ?)", [tenant, sharedTenant], page, storeOf);
  }

  update(
    id: string,
    changes: Partial<Pick<StoreRecord, "name" | "description" | "metadata" | "expiresAfterDays">>,
  ): void {
    const sets: [string, DatabaseValue][] = [];
    if (changes.name !== undefined) sets.push(["name", changes.name]);
    if ("description" in changes) sets.push(["description", changes.description ?? null]);
    if (changes.metadata !== undefined) sets.push(["metadata", JSON.stringify(changes.metadata)]);
    if ("expiresAfterDays" in changes) sets.push(["expires_days", changes.expiresAfterDays ?? null]);
    if (sets.length === 0) return;
    this.#statements.run(
      `UPDATE stores SET ${sets.map(([name]) => `${name} = ?`).join(", ")} WHERE id = ?`,
      ...sets.map(([, value]) => value),
      id,
    );
  }

  touch(id: string): void {
    this.#statements.run("UPDATE stores SET last_active_at = ? WHERE id = ?", this.#clock.now(), id);
  }

  /** What makes a store's vectors from now on. */
  setEmbedding(id: string, model: string | undefined, dimensions: number | undefined): void {
    this.#statements.run(
      "UPDATE stores SET embedding_model = ?, dimensions = ? WHERE id = ?",
      model ?? null,
      dimensions ?? null,
      id,
    );
  }

  delete(id: string): void {
    this.#statements.run("DELETE FROM stores WHERE id = ?", id);
  }

  expired(): StoreRecord[] {
    return this.#statements.all(
      "SELECT * FROM stores WHERE expires_days IS NOT NULL AND last_active_at + expires_days * 86400000 <= ?",
      this.#clock.now(),
    ).map(storeOf);
  }
}

function storeOf(row: Row): StoreRecord {
  return {
    id: row.id as string,
    tenant: row.tenant as string,
    name: row.name as string,
    description: (row.description as string | null) ?? undefined,
    metadata: JSON.parse(row.metadata as string),
    createdAt: row.created_at as number,
    lastActiveAt: row.last_active_at as number,
    expiresAfterDays: (row.expires_days as number | null) ?? undefined,
    embeddingModel: (row.embedding_model as string | null) ?? undefined,
    dimensions: (row.dimensions as number | null) ?? undefined,
  };
}
