import { definePlugin } from "intellirouter/plugin";
import type { Database, DatabaseStatement, Store, StoreListPage } from "intellirouter/plugin";
import { z } from "zod";

/** Expired rows are removed after this many writes. */
const sweepEvery = 256;

/** Statements are atomic by themselves, and SQLite serialises writers of other processes. */
class SqliteStore implements Store {
  readonly #database: Database;
  readonly #now: () => number;
  readonly #select: DatabaseStatement;
  readonly #upsert: DatabaseStatement;
  readonly #insert: DatabaseStatement;
  readonly #remove: DatabaseStatement;
  readonly #page: DatabaseStatement;
  readonly #add: DatabaseStatement;
  readonly #sweep: DatabaseStatement;
  #writes = 0;

  constructor(database: Database, now: () => number) {
    this.#database = database;
    this.#now = now;
    database.exec(
      "CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, value TEXT NOT NULL, expires_at REAL) WITHOUT ROWID",
    );
    database.exec(
      "CREATE INDEX IF NOT EXISTS entries_expiry ON entries (expires_at) WHERE expires_at IS NOT NULL",
    );
    const live = "(expires_at IS NULL OR expires_at > ?)";
    this.#select = database.prepare(`SELECT value FROM entries WHERE key = ? AND ${live}`);
    this.#upsert = database.prepare(
      "INSERT INTO entries VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at",
    );
    this.#insert = database.prepare(
      `INSERT INTO entries VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE
       SET value = excluded.value, expires_at = excluded.expires_at WHERE expires_at <= ?`,
    );
    this.#remove = database.prepare(`DELETE FROM entries WHERE key = ? AND ${live}`);
    this.#page = database.prepare(
      `SELECT key, value FROM entries WHERE key >= ? AND key > ? AND substr(key, 1, ?) = ? AND ${live} ORDER BY key LIMIT ?`,
    );
    this.#add = database.prepare(
      `INSERT INTO entries VALUES (?1, ?2, ?3) ON CONFLICT (key) DO UPDATE SET
         value = CASE WHEN expires_at <= ?4 THEN excluded.value ELSE CAST(CAST(value AS INTEGER) + CAST(?5 AS INTEGER) AS TEXT) END,
         expires_at = CASE WHEN expires_at <= ?4 THEN excluded.expires_at ELSE expires_at END
       WHERE expires_at <= ?4 OR value = CAST(CAST(value AS INTEGER) AS TEXT)
       RETURNING value`,
    );
    this.#sweep = database.prepare("DELETE FROM entries WHERE expires_at <= ?");
  }

  get(key: string): Promise<string | undefined> {
    return attempt(() => this.#select.get(key, this.#now())?.value as string | undefined);
  }

  set(
    key: string,
    value: string,
    options: { ttlMs?: number; onlyIfAbsent?: boolean } = {},
  ): Promise<boolean> {
    return attempt(() => {
      this.#sweepSometimes();
      const expiresAt = this.#expiry(options.ttlMs);
      if (options.onlyIfAbsent) return this.#insert.run(key, value, expiresAt, this.#now()).changes > 0;
      this.#upsert.run(key, value, expiresAt);
      return true;
    });
  }

  delete(key: string): Promise<boolean> {
    return attempt(() => this.#remove.run(key, this.#now()).changes > 0);
  }

  list(prefix: string, options: { cursor?: string; limit?: number } = {}): Promise<StoreListPage> {
    return attempt(() => {
      const limit = Math.min(options.limit ?? 100, 1000);
      const length = [...prefix].length;
      const rows = this.#page.all(prefix, options.cursor ?? "", length, prefix, this.#now(), limit + 1);
      const entries = rows.slice(0, limit).map((row) => ({
        key: row.key as string,
        value: row.value as string,
      }));
      return { entries, cursor: rows.length > limit ? entries.at(-1)?.key : undefined };
    });
  }

  increment(key: string, by: number, options: { ttlMs?: number } = {}): Promise<number> {
    return attempt(() => {
      this.#sweepSometimes();
      const row = this.#add.get(key, String(by), this.#expiry(options.ttlMs), this.#now(), by);
      if (row === undefined) throw new TypeError(`The entry "${key}" is not a whole number`);
      return Number(row.value);
    });
  }

  close(): void {
    this.#database.close();
  }

  #expiry(ttlMs: number | undefined): number | null {
    return ttlMs === undefined ? null : this.#now() + ttlMs;
  }

  #sweepSometimes(): void {
    if (++this.#writes % sweepEvery === 0) this.#sweep.run(this.#now());
  }
}

/** The driver is synchronous; its errors must still arrive as rejections. */
function attempt<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => resolve(work()));
}

export default definePlugin({
  apiVersion: 1,
  kind: "store",
  name: "sqlite",
  description: "Keeps everything in one SQLite file of the data directory.",
  options: z.strictObject({}),
  create: (_options, host) => new SqliteStore(host.sqlite("store"), host.now),
});
