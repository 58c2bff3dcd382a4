import type { Clock, TimerHandle } from "../lib/clock.ts";
import type { Database, DatabaseStatement, DatabaseValue } from "../plugin/api/host.ts";
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
  readonly team?: string | undefined;
}

const flushAfterMs = 200;
const flushAtRecords = 512;
/** Records that may wait for a slow disk before the oldest are given up. */
const mostPending = 20_000;

/**
 * The bounded log of decision records. Recording costs an array push; a group of records is written as one row, since
 * a row and its index entries for each would cost more than the request's whole routing. A power cut can lose the last
 * fraction of a second of it (the books are kept elsewhere).
 */
export class DecisionLog {
  readonly #options: DecisionLogOptions;
  readonly #insert: DatabaseStatement;
  #pending: Decision[] = [];
  #timer: TimerHandle | undefined;
  #stored: number;
  #lost = 0;

  constructor(options: DecisionLogOptions) {
    this.#options = options;
    const { database } = options;
    // Ids sort by time of arrival, so the first and the last of a group tell where an id can be.
    database.exec(`
      CREATE TABLE IF NOT EXISTS decision_groups (
        sequence INTEGER PRIMARY KEY, first_id TEXT NOT NULL, last_id TEXT NOT NULL, newest REAL NOT NULL,
        count INTEGER NOT NULL, records TEXT NOT NULL
      )`);
    this.#insert = database.prepare(
      "INSERT INTO decision_groups (first_id, last_id, newest, count, records) VALUES (?, ?, ?, ?, ?)",
    );
    this.#stored = Number(
      database.prepare("SELECT coalesce(sum(count), 0) AS stored FROM decision_groups").get()?.stored,
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

  /** Records that are not written yet. */
  get lag(): number {
    return this.#pending.length;
  }

  /** Records that could not be written. */
  get lost(): number {
    return this.#lost;
  }

  get(id: string): Decision | undefined {
    this.flush();
    return this.#groupOf(id)?.records.find((decision) => decision.id === id);
  }

  /** Newest first. */
  list(query: DecisionQuery): Decision[] {
    this.flush();
    const start = query.before === undefined ? undefined : this.#groupOf(query.before);
    if (query.before !== undefined && start === undefined) return [];
    const found: Decision[] = [];
    for (const group of this.#groups(start?.sequence)) {
      const records = group.records.reverse();
      const position = group.sequence === start?.sequence
        ? records.findIndex(({ id }) => id === query.before) + 1
        : 0;
      for (const decision of records.slice(position)) {
        if (matches(decision, query)) found.push(decision);
        if (found.length === query.limit) return found;
      }
    }
    return found;
  }

  /** Writes what waits, now. Never throws. */
  flush(): void {
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    const records = this.#pending;
    if (records.length === 0) return;
    this.#pending = [];
    try {
      this.#write(records);
      this.#trim();
    } catch (error) {
      const kept = records.slice(-mostPending);
      this.#pending = kept;
      this.#lost += records.length - kept.length;
      this.#options.onError(error, records.length - kept.length);
    }
  }

  close(): void {
    this.flush();
    this.#options.database.close();
  }

  #write(records: readonly Decision[]): void {
    let first = records[0]!.id;
    let last = first;
    for (const { id } of records) {
      if (id < first) first = id;
      if (id > last) last = id;
    }
    this.#insert.run(first, last, this.#options.clock.now(), records.length, JSON.stringify(records));
    this.#stored += records.length;
  }

  #groupOf(id: string): Group | undefined {
    const rows = this.#options.database
      .prepare(
        "SELECT sequence, records FROM decision_groups WHERE first_id <= ?1 AND last_id >= ?1 AND instr(records, ?1) > 0",
      )
      .all(id);
    return rows.map(readGroup).find((group) => group.records.some((decision) => decision.id === id));
  }

  /** From a group on backwards, read one by one: a listing seldom needs more than the first. */
  *#groups(from = Number.MAX_SAFE_INTEGER): Generator<Group> {
    const next = this.#options.database.prepare(
      "SELECT sequence, records FROM decision_groups WHERE sequence <= ? ORDER BY sequence DESC LIMIT 1",
    );
    for (let row = next.get(from); row !== undefined; row = next.get(Number(row.sequence) - 1)) {
      yield readGroup(row);
    }
  }

  #trim(): void {
    const { database, maxRecords, maxAgeMs, clock } = this.#options;
    const oldest = database.prepare(
      "SELECT sequence, newest, count FROM decision_groups ORDER BY sequence LIMIT 1",
    );
    const remove = database.prepare("DELETE FROM decision_groups WHERE sequence = ?");
    for (let row = oldest.get(); row !== undefined; row = oldest.get()) {
      const tooMany = this.#stored - Number(row.count) >= maxRecords;
      const tooOld = maxAgeMs > 0 && Number(row.newest) < clock.now() - maxAgeMs;
      if (!tooMany && !tooOld) return;
      remove.run(row.sequence!);
      this.#stored -= Number(row.count);
    }
  }
}

interface Group {
  readonly sequence: number;
  readonly records: Decision[];
}

function readGroup(row: Record<string, DatabaseValue>): Group {
  return { sequence: Number(row.sequence), records: JSON.parse(row.records as string) };
}

function matches(decision: Decision, query: DecisionQuery): boolean {
  return (["model", "target", "outcome", "principal", "team"] as const)
    .every((field) => query[field] === undefined || decision[field] === query[field]);
}
