import type { Clock } from "../lib/clock.ts";
import { timedId } from "../lib/timed-id.ts";
import type { Database } from "../plugin/api/host.ts";
import type { Attributes } from "../schema/retrieval.ts";
import { type Page, type PageRequest, type Row, Statements } from "./statements.ts";

export type StoreFileStatus = "in_progress" | "completed" | "failed" | "cancelled";

export interface StoreFileRecord {
  readonly storeId: string;
  readonly fileId: string;
  readonly status: StoreFileStatus;
  readonly errorCode: string | undefined;
  readonly errorMessage: string | undefined;
  readonly attributes: Attributes;
  readonly chunkTokens: number;
  readonly overlapTokens: number;
  readonly usageBytes: number;
  readonly createdAt: number;
  readonly batchId: string | undefined;
  /** Id of the principal on whose behalf vectors are made. */
  readonly caller: string;
  readonly attempts: number;
  readonly chunks: number;
  readonly chunksDone: number;
  /** Changes when the file is to be read anew; what an older reading has made is then nothing worth. */
  readonly version: number;
}

export interface BatchRecord {
  readonly id: string;
  readonly storeId: string;
  readonly createdAt: number;
}

export type StatusCounts = Readonly<Record<StoreFileStatus | "total", number>>;

/** Nobody else reads a file that somebody is at work on, unless he has died; in milliseconds. */
const leaseMs = 10_000;

/** Which files are in which vector stores, and which of them wait to be read. */
export class StoreFiles {
  readonly #statements: Statements;
  readonly #clock: Pick<Clock, "now">;

  constructor(database: Database, clock: Pick<Clock, "now">) {
    this.#statements = new Statements(database);
    this.#clock = clock;
    database.exec(`
      CREATE TABLE IF NOT EXISTS store_files (
        store TEXT NOT NULL, file TEXT NOT NULL, status TEXT NOT NULL, error_code TEXT, error_message TEXT,
        attributes TEXT NOT NULL, chunk_tokens INTEGER NOT NULL, overlap_tokens INTEGER NOT NULL,
        usage_bytes INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL, batch TEXT, caller TEXT NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0, due_at INTEGER NOT NULL, leased_until INTEGER NOT NULL DEFAULT 0,
        chunks INTEGER NOT NULL DEFAULT 0, chunks_done INTEGER NOT NULL DEFAULT 0, version INTEGER NOT NULL DEFAULT 1,
        PRIMARY KEY (store, file)
      ) WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS store_files_file ON store_files (file);
      CREATE INDEX IF NOT EXISTS store_files_due ON store_files (due_at) WHERE status = 'in_progress';
      CREATE TABLE IF NOT EXISTS batches (id TEXT PRIMARY KEY, store TEXT NOT NULL, created_at INTEGER NOT NULL) WITHOUT ROWID;
    `);
  }

  /** Adds a file, or has one that is there read anew. */
  add(
    entry: Pick<
      StoreFileRecord,
      "storeId" | "fileId" | "attributes" | "chunkTokens" | "overlapTokens" | "batchId" | "caller"
    >,
  ): StoreFileRecord {
    const now = this.#clock.now();
    this.#statements.run(
      `INSERT INTO store_files (store, file, status, attributes, chunk_tokens, overlap_tokens, created_at, batch, caller, due_at)
       VALUES (?1, ?2, 'in_progress', ?3, ?4, ?5, ?6, ?7, ?8, ?6)
       ON CONFLICT (store, file) DO UPDATE SET status = 'in_progress', error_code = NULL, error_message = NULL,
         attributes = ?3, chunk_tokens = ?4, overlap_tokens = ?5, batch = ?7, caller = ?8, attempts = 0, due_at = ?6,
         leased_until = 0, chunks = 0, chunks_done = 0, version = version + 1`,
      entry.storeId,
      entry.fileId,
      JSON.stringify(entry.attributes),
      entry.chunkTokens,
      entry.overlapTokens,
      now,
      entry.batchId ?? null,
      entry.caller,
    );
    return this.find(entry.storeId, entry.fileId)!;
  }

  find(storeId: string, fileId: string): StoreFileRecord | undefined {
    const row = this.#statements.get(
      "SELECT * FROM store_files WHERE store = ? AND file = ?",
      storeId,
      fileId,
    );
    return row && storeFileOf(row);
  }

  list(
    storeId: string,
    page: PageRequest & { readonly status?: string | undefined; readonly batchId?: string | undefined },
  ): Page<StoreFileRecord> {
    return this.#statements.page(
      "store_files",
      "file",
      "store = ? AND (?2 IS NULL OR status = ?2) AND (?3 IS NULL OR batch = ?3)",
      [storeId, page.status ?? null, page.batchId ?? null],
      page,
      storeFileOf,
    );
  }

  setAttributes(storeId: string, fileId: string, attributes: Attributes): void {
    this.#statements.run(
      "UPDATE store_files SET attributes = ? WHERE store = ? AND file = ?",
      JSON.stringify(attributes),
      storeId,
      fileId,
    );
  }

  remove(storeId: string, fileId: string): boolean {
    return this.#statements.run("DELETE FROM store_files WHERE store = ? AND file = ?", storeId, fileId) > 0;
  }

  /** Ids of the stores that a file is in. */
  storesOf(fileId: string): string[] {
    return this.#statements.all("SELECT store FROM store_files WHERE file = ?", fileId).map(({ store }) =>
      store as string
    );
  }

  /** Forgets everything of a store. */
  removeStore(storeId: string): void {
    this.#statements.transaction(() => {
      this.#statements.run("DELETE FROM store_files WHERE store = ?", storeId);
      this.#statements.run("DELETE FROM batches WHERE store = ?", storeId);
    });
  }

  counts(storeId: string, batchId?: string): StatusCounts {
    const counts = { in_progress: 0, completed: 0, failed: 0, cancelled: 0, total: 0 };
    const rows = this.#statements.all(
      "SELECT status, count(*) AS files FROM store_files WHERE store = ? AND (?2 IS NULL OR batch = ?2) GROUP BY status",
      storeId,
      batchId ?? null,
    );
    for (const { status, files } of rows) {
      counts[status as StoreFileStatus] = files as number;
      counts.total += files as number;
    }
    return counts;
  }

  usageBytes(storeId: string): number {
    return (this.#statements.get("SELECT sum(usage_bytes) AS bytes FROM store_files WHERE store = ?", storeId)
      ?.bytes ??
      0) as number;
  }

  addBatch(storeId: string): BatchRecord {
    const createdAt = this.#clock.now();
    const id = `vsfb_${timedId(createdAt).replaceAll("-", "")}`;
    this.#statements.run(
      "INSERT INTO batches (id, store, created_at) VALUES (?, ?, ?)",
      id,
      storeId,
      createdAt,
    );
    return { id, storeId, createdAt };
  }

  batch(storeId: string, id: string): BatchRecord | undefined {
    const row = this.#statements.get("SELECT * FROM batches WHERE id = ? AND store = ?", id, storeId);
    return row && { id, storeId, createdAt: row.created_at as number };
  }

  cancelBatch(storeId: string, id: string): void {
    this.#statements.run(
      "UPDATE store_files SET status = 'cancelled', version = version + 1 WHERE store = ? AND batch = ? AND status = 'in_progress'",
      storeId,
      id,
    );
  }

  /** Has all files of a store read anew. */
  readAgain(storeId: string, caller: string): number {
    return this.#statements.run(
      `UPDATE store_files SET status = 'in_progress', error_code = NULL, error_message = NULL, attempts = 0, due_at = ?,
         leased_until = 0, caller = ?, chunks = 0, chunks_done = 0, version = version + 1 WHERE store = ? AND status <> 'cancelled'`,
      this.#clock.now(),
      caller,
      storeId,
    );
  }

  /** The file that has waited longest and nobody is at work on. */
  take(): StoreFileRecord | undefined {
    const now = this.#clock.now();
    const row = this.#statements.get(
      `UPDATE store_files SET leased_until = ?1 WHERE (store, file) = (
         SELECT store, file FROM store_files WHERE status = 'in_progress' AND due_at <= ?2 AND leased_until <= ?2 ORDER BY due_at LIMIT 1
       ) RETURNING *`,
      now + leaseMs,
      now,
    );
    return row && storeFileOf(row);
  }

  /** Somebody is still at work on it. @returns whether it is still wanted. */
  extend({ storeId, fileId, version }: StoreFileRecord, chunks: number, chunksDone: number): boolean {
    return this.#statements.run(
      `UPDATE store_files SET leased_until = ?, chunks = ?, chunks_done = ?
       WHERE store = ? AND file = ? AND version = ? AND status = 'in_progress'`,
      this.#clock.now() + leaseMs,
      chunks,
      chunksDone,
      storeId,
      fileId,
      version,
    ) > 0;
  }

  /** @returns whether it was still wanted. */
  finish({ storeId, fileId, version }: StoreFileRecord, chunks: number, usageBytes: number): boolean {
    return this.#statements.run(
      `UPDATE store_files SET status = 'completed', usage_bytes = ?, chunks = ?4, chunks_done = ?4, leased_until = 0
       WHERE store = ?2 AND file = ?3 AND version = ?5 AND status = 'in_progress'`,
      usageBytes,
      storeId,
      fileId,
      chunks,
      version,
    ) > 0;
  }

  fail({ storeId, fileId, version }: StoreFileRecord, code: string, message: string): void {
    this.#statements.run(
      `UPDATE store_files SET status = 'failed', error_code = ?, error_message = ?, leased_until = 0
       WHERE store = ? AND file = ? AND version = ? AND status = 'in_progress'`,
      code,
      message.slice(0, 2_000),
      storeId,
      fileId,
      version,
    );
  }

  /** Tried in vain, and due again later. */
  retry({ storeId, fileId, version }: StoreFileRecord, delayMs: number): void {
    this.#statements.run(
      "UPDATE store_files SET attempts = attempts + 1, due_at = ?, leased_until = 0 WHERE store = ? AND file = ? AND version = ?",
      this.#clock.now() + delayMs,
      storeId,
      fileId,
      version,
    );
  }

  /** Nobody is at work on it any more, and nothing came of it. */
  release({ storeId, fileId }: StoreFileRecord): void {
    this.#statements.run(
      "UPDATE store_files SET leased_until = 0 WHERE store = ? AND file = ?",
      storeId,
      fileId,
    );
  }

  /** Milliseconds until there is something to read; undefined when nothing waits. */
  waitMs(): number | undefined {
    const due = this.#statements.get(
      "SELECT min(max(due_at, leased_until)) AS due FROM store_files WHERE status = 'in_progress'",
    )?.due;
    return typeof due === "number" ? Math.max(0, due - this.#clock.now()) : undefined;
  }

  /** How many files wait to be read. */
  waiting(): number {
    return this.#statements.get("SELECT count(*) AS files FROM store_files WHERE status = 'in_progress'")!
      .files as number;
  }
}

function storeFileOf(row: Row): StoreFileRecord {
  return {
    storeId: row.store as string,
    fileId: row.file as string,
    status: row.status as StoreFileStatus,
    errorCode: (row.error_code as string | null) ?? undefined,
    errorMessage: (row.error_message as string | null) ?? undefined,
    attributes: JSON.parse(row.attributes as string),
    chunkTokens: row.chunk_tokens as number,
    overlapTokens: row.overlap_tokens as number,
    usageBytes: row.usage_bytes as number,
    createdAt: row.created_at as number,
    batchId: (row.batch as string | null) ?? undefined,
    caller: row.caller as string,
    attempts: row.attempts as number,
    chunks: row.chunks as number,
    chunksDone: row.chunks_done as number,
    version: row.version as number,
  };
}
