import { DatabaseSync } from "node:sqlite";
import type { StatementSync } from "node:sqlite";

/** The driver's value types, the same on every runtime. */
export type SqliteValue = string | number | bigint | Uint8Array | null;

export interface SqliteStatement {
  run(...values: SqliteValue[]): { readonly changes: number };
  get(...values: SqliteValue[]): Record<string, SqliteValue> | undefined;
  all(...values: SqliteValue[]): Record<string, SqliteValue>[];
}

export interface SqliteDatabase {
  prepare(sql: string): SqliteStatement;
  exec(sql: string): void;
  transaction<T>(work: () => T): T;
  close(): void;
}

/**
 * Opens an SQLite database through `node:sqlite`, which Bun and Deno both have.
 *
 * A file is put into write-ahead mode: readers and the writer do not block each other, and a `kill -9` loses nothing that
 * was committed. Waits up to five seconds for another process's lock.
 *
 * @param path a file, or `":memory:"`.
 */
export function openSqlite(path: string): SqliteDatabase {
  const database = new DatabaseSync(path);
  database.exec("PRAGMA busy_timeout = 5000");
  if (path !== ":memory:") database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
  return {
    prepare: (sql) => wrap(database.prepare(sql)),
    exec: (sql) => database.exec(sql),
    transaction: (work) => {
      database.exec("BEGIN IMMEDIATE");
      try {
        const result = work();
        database.exec("COMMIT");
        return result;
      } catch (error) {
        // A full disk has SQLite roll back by itself, and that is not what went wrong.
        if (database.isTransaction) database.exec("ROLLBACK");
        throw error;
      }
    },
    close: () => database.close(),
  };
}

function wrap(statement: StatementSync): SqliteStatement {
  return {
    run: (...values) => ({ changes: Number(statement.run(...values).changes) }),
    get: (...values) => statement.get(...values) as Record<string, SqliteValue> | undefined,
    all: (...values) => statement.all(...values) as Record<string, SqliteValue>[],
  };
}
