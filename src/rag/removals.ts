import type { Clock } from "../lib/clock.ts";
import type { Database } from "../plugin/api/host.ts";
import { Statements } from "./statements.ts";

/** Vectors that are to be deleted: those of a file, or all of a store. */
export interface Removal {
  readonly storeId: string;
  /** Absent: all of them. */
  readonly fileId: string | undefined;
}

/** What the engine of vectors still has to delete, on disk: it may be away when something goes. */
export class Removals {
  readonly #statements: Statements;
  readonly #clock: Pick<Clock, "now">;

  constructor(database: Database, clock: Pick<Clock, "now">) {
    this.#statements = new Statements(database);
    this.#clock = clock;
    database.exec(`
      CREATE TABLE IF NOT EXISTS removals (
        store TEXT NOT NULL, file TEXT NOT NULL, due_at INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (store, file)
      ) WITHOUT ROWID
    `);
  }

  add({ storeId, fileId = "" }: Removal): void {
    this.#statements.run(
      "INSERT INTO removals (store, file, due_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
      storeId,
      fileId,
      this.#clock.now(),
    );
  }

  /** The one that is due longest. */
  next(): (Removal & { readonly attempts: number }) | undefined {
    const row = this.#statements.get(
      "SELECT * FROM removals WHERE due_at <= ? ORDER BY due_at LIMIT 1",
      this.#clock.now(),
    );
    return row && {
      storeId: row.store as string,
      fileId: row.file === "" ? undefined : row.file as string,
      attempts: row.attempts as number,
    };
  }

  done({ storeId, fileId = "" }: Removal): void {
    this.#statements.run("DELETE FROM removals WHERE store = ? AND file = ?", storeId, fileId);
  }

  retry({ storeId, fileId = "" }: Removal, delayMs: number): void {
    this.#statements.run(
      "UPDATE removals SET attempts = attempts + 1, due_at = ? WHERE store = ? AND file = ?",
      this.#clock.now() + delayMs,
      storeId,
      fileId,
    );
  }

  /** Milliseconds until there is something to delete; undefined when there is nothing. */
  waitMs(): number | undefined {
    const due = this.#statements.get("SELECT min(due_at) AS due FROM removals")?.due;
    return typeof due === "number" ? Math.max(0, due - this.#clock.now()) : undefined;
  }
}
