import type { Clock, TimerHandle } from "../lib/clock.ts";
import type { Database, DatabaseStatement } from "../plugin/api/host.ts";
import type { Decision } from "../schema/decision.ts";

export interface DecisionLogOptions {
  readonly database: Database;
  readonly clock: Clock;
  /** Records kept; 0 keeps none. */
  readonly maxRecords: number;
  /** Milliseconds; 0 keeps records whatever their age. */
  readonly maxAgeMs: number;
  /** Told when records could not be written; must not throw. */
  readonly onError: (error: unknown, lost: number) => void;
}

export interface DecisionQuery {
  /** 1 to 1000. */
  readonly limit: number;
  /** Only records older than the one with this id. */
  readonly before?: string | undefined;
  readonly model?: string | undefined;
  readonly target?: string | undefined;
  readonly outcome?: string | undefined;
  readonly principal?: string | undefined;
}

const flushAfterMs = 200;
const flushAtRecords = 512;
/** Records that may wait for a slow disk before the oldest are given up. */
const mostPending = 20_000;
const trimEveryFlushes = 50;

/**
 * The bounded log of decision records. Recording costs an array push; rows are written in groups, one
 * transaction each, so a power cut can lose the last fraction of a second of it (the books are kept elsewhere).
 */
export class DecisionLog {
  readonly #options: DecisionLogOptions;
  readonly #insert: DatabaseStatement;
  #pending: Decision[] = [];
  #timer: TimerHandle | undefined;
  #flushes = 0;

  constructor(options: DecisionLogOptions) {
    this.#options = options;
    options.database.exec(`
      CREATE TABLE IF NOT EXISTS decisions (
        sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, time REAL NOT NULL, model TEXT NOT NULL, target TEXT,
        outcome TEXT NOT NULL, principal TEXT NOT NULL, record TEXT NOT NULL
      )`);
    this.#insert = options.database.prepare(
      "INSERT OR REPLACE INTO decisions (id, time, model, target, outcome, principal, record) VALUES (?, ?, ?, ?, ?, ?, ?)",
    );
    this.#trim();
  }

  /** Never throws and never waits. */
  record(decision: Decision): void {
    if (this.#options.maxRecords === 0) return;
    this.#pending.push(decision);
    if (this.#pending.length >= flushAtRecords) this.flush();
    else this.#timer ??= this.#options.clock.setTimeout(() => this.flush(), flushAfterMs);
  }

  get(id: string): Decision | undefined {
    this.flush();
    const row = this.#options.database.prepare("SELECT record FROM decisions WHERE id = ?").get(id);
    return row === undefined ? undefined : JSON.parse(row.record as string);
  }

  /** Newest first. */
  list(query: DecisionQuery): Decision[] {
    this.flush();
    const filters = (["model", "target", "outcome", "principal"] as const)
      .flatMap((column) =>
        query[column] === undefined ? [] : [{ sql: `${column} = ?`, value: query[column] }]
      );
    if (query.before !== undefined) {
      filters.push({ sql: "sequence < (SELECT sequence FROM decisions WHERE id = ?)", value: query.before });
    }
    const where = filters.length === 0 ? "" : `WHERE ${filters.map((filter) => filter.sql).join(" AND ")}`;
    const rows = this.#options.database
      .prepare(`SELECT record FROM decisions ${where} ORDER BY sequence DESC LIMIT ?`)
      .all(...filters.map((filter) => filter.value), query.limit);
    return rows.map((row) => JSON.parse(row.record as string));
  }

  /** Writes what waits, now. Never throws. */
  flush(): void {
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    const records = this.#pending;
    if (records.length === 0) return;
    this.#pending = [];
    try {
      this.#options.database.transaction(() => records.forEach((record) => this.#write(record)));
      if (++this.#flushes % trimEveryFlushes === 0) this.#trim();
    } catch (error) {
      const kept = records.slice(-mostPending);
      this.#pending = kept;
      this.#options.onError(error, records.length - kept.length);
    }
  }

  close(): void {
    this.flush();
    this.#trim();
    this.#options.database.close();
  }

  #write(decision: Decision): void {
    this.#insert.run(
      decision.id,
      Date.parse(decision.time),
      decision.model,
      decision.target ?? null,
      decision.outcome,
      decision.principal,
      JSON.stringify(decision),
    );
  }

  #trim(): void {
    const { database, maxRecords, maxAgeMs, clock } = this.#options;
    database.prepare("DELETE FROM decisions WHERE sequence <= (SELECT max(sequence) FROM decisions) - ?").run(
      maxRecords,
    );
    // Sequence follows time closely enough that a range is found without an index on time.
    if (maxAgeMs > 0) {
      database.prepare(
        "DELETE FROM decisions WHERE sequence < coalesce((SELECT min(sequence) FROM decisions WHERE time >= ?), 9e18)",
      ).run(clock.now() - maxAgeMs);
    }
  }
}
