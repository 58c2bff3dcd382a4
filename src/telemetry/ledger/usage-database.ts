import { toDollars } from "../../lib/money.ts";
import { periodsOf } from "../../lib/period.ts";
import type { Database, DatabaseStatement, DatabaseValue } from "../../plugin/api/host.ts";
import type { UsageGroup, UsageRecord, UsageSum } from "../../schema/usage.ts";
import { scopesOf, usageColumns as columns } from "./usage-record.ts";

/** Which requests; absent fields take all. Times in milliseconds since the epoch. */
export interface UsageFilter {
  /** From this time on. */
  readonly since?: number | undefined;
  /** Before this time. */
  readonly until?: number | undefined;
  readonly key?: string | undefined;
  readonly team?: string | undefined;
  readonly organisation?: string | undefined;
  readonly user?: string | undefined;
  readonly model?: string | undefined;
  readonly target?: string | undefined;
  readonly outcome?: string | undefined;
}

/** What one scope (`key:…`, `team:…`, `organisation:…`, or `*` for all) has spent in one period. */
export interface SpentSum {
  readonly scope: string;
  readonly period: string;
  readonly nanodollars: number;
}

/** A sum that is not that of its rows. */
export interface SpendingDifference {
  readonly scope: string;
  readonly period: string;
  /** What budgets go by. */
  readonly recorded: number;
  /** What the rows add up to. */
  readonly summed: number;
}

/** Up to where the log of one process has been taken over. */
export interface LogPosition {
  readonly segment: number;
  /** Bytes. */
  readonly offset: number;
}

/** One statement for several rows costs a sixth less than one for each (`bench/micro/accounts.ts`). */
const rowsAtOnce = 16;

/** The books in SQLite: one row for each request, and the sums that budgets go by, changed together. */
export class UsageDatabase {
  readonly #database: Database;
  readonly #insert: DatabaseStatement;
  readonly #insertMany: DatabaseStatement;
  readonly #add: DatabaseStatement;
  readonly #move: DatabaseStatement;

  constructor(database: Database) {
    this.#database = database;
    database.exec(`
      CREATE TABLE IF NOT EXISTS usage (
        sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, time INTEGER NOT NULL, request_id TEXT NOT NULL,
        operation TEXT NOT NULL, model TEXT NOT NULL, route TEXT, target TEXT, key TEXT NOT NULL, team TEXT, organisation TEXT,
        user TEXT, stream INTEGER NOT NULL, cached INTEGER NOT NULL, outcome TEXT NOT NULL, status INTEGER NOT NULL,
        input_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL, cache_write_tokens INTEGER NOT NULL,
        output_tokens INTEGER NOT NULL, reasoning_tokens INTEGER NOT NULL, estimated INTEGER NOT NULL, nanodollars INTEGER,
        price_version TEXT, first_token_ms REAL, total_ms REAL NOT NULL, gateway_ms REAL NOT NULL, attempts TEXT NOT NULL
      );
      CREATE INDEX IF NOT EXISTS usage_time ON usage (time);
      CREATE INDEX IF NOT EXISTS usage_key ON usage (key, time);
      CREATE TABLE IF NOT EXISTS spent (
        scope TEXT NOT NULL, period TEXT NOT NULL, nanodollars INTEGER NOT NULL, PRIMARY KEY (scope, period)
      ) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS forgotten (
        scope TEXT NOT NULL, period TEXT NOT NULL, nanodollars INTEGER NOT NULL, PRIMARY KEY (scope, period)
      ) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS logs (slot INTEGER PRIMARY KEY, segment INTEGER NOT NULL, offset INTEGER NOT NULL)`);
    const row = `(${columns.map(() => "?").join(", ")})`;
    this.#insert = database.prepare(`INSERT OR IGNORE INTO usage (${columns.join(", ")}) VALUES ${row}`);
    this.#insertMany = database.prepare(
      `INSERT INTO usage (${columns.join(", ")}) VALUES ${Array(rowsAtOnce).fill(row).join(", ")}`,
    );
    this.#add = addTo(database, "spent");
    this.#move = database.prepare(
      "INSERT INTO logs VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET segment = ?2, offset = ?3",
    );
  }

  /** Books rows and how far the log has been taken over, all of it or nothing. A row that is already there is not booked again. */
  book(records: readonly UsageRecord[], slot: number, position: LogPosition): void {
    this.#database.transaction(() => {
      const sums = new SpendingSums();
      for (let start = 0; start < records.length; start += rowsAtOnce) {
        const group = records.slice(start, start + rowsAtOnce);
        const added = this.#addMany(group) ? group : group.filter((record) => this.#addOne(record));
        for (const record of added) sums.add(record);
      }
      sums.each((scope, period, nanodollars) => this.#add.run(scope, period, nanodollars));
      this.#move.run(slot, position.segment, position.offset);
    });
  }

  /** Adds a full group; none of it where one is there already, which only what is left of a crash can be. */
  #addMany(records: readonly UsageRecord[]): boolean {
    if (records.length < rowsAtOnce) return false;
    const values: DatabaseValue[] = [];
    for (const record of records) for (const column of columns) values.push(toValue(record[column]));
    try {
      this.#insertMany.run(...values);
      return true;
    } catch (error) {
      if (/UNIQUE/.test(String(error))) return false;
      throw error;
    }
  }

  #addOne(record: UsageRecord): boolean {
    return this.#insert.run(...columns.map((column) => toValue(record[column]))).changes > 0;
  }

  positionOf(slot: number): LogPosition | undefined {
    const row = this.#database.prepare("SELECT segment, offset FROM logs WHERE slot = ?").get(slot);
    return row === undefined ? undefined : { segment: Number(row.segment), offset: Number(row.offset) };
  }

  /** A scope's sums of the periods that a time falls into. */
  spent(scope: string, now: number): SpentSum[] {
    const periods = periodsOf(now);
    return this.#database
      .prepare("SELECT scope, period, nanodollars FROM spent WHERE scope = ? AND period IN (?, ?, ?)")
      .all(scope, ...periods)
      .map((row) => ({
        scope: String(row.scope),
        period: String(row.period),
        nanodollars: Number(row.nanodollars),
      }));
  }

  /** Rows in the order of their booking, read as they are asked for. */
  *records(filter: UsageFilter): Generator<UsageRecord> {
    const { condition, values } = where(filter);
    const page = this.#database.prepare(
      `SELECT sequence, ${
        columns.join(", ")
      } FROM usage WHERE sequence > ? AND ${condition} ORDER BY sequence LIMIT 500`,
    );
    for (let after = 0;;) {
      const rows = page.all(after, ...values);
      for (const { sequence: _, ...row } of rows) yield toRecord(row);
      const last = rows.at(-1);
      if (last === undefined) return;
      after = Number(last.sequence);
    }
  }

  sums(filter: UsageFilter, groups: readonly UsageGroup[]): UsageSum[] {
    const { condition, values } = where(filter);
    const names = groups.map((group) => `${groupExpressions[group]} AS "group_${group}"`);
    const rows = this.#database.prepare(`
      SELECT ${[...names, "count(*) AS requests"].join(", ")},
        sum(outcome <> 'ok') AS errors, sum(input_tokens) AS input_tokens, sum(cached_tokens) AS cached_tokens,
        sum(cache_write_tokens) AS cache_write_tokens, sum(output_tokens) AS output_tokens,
        sum(reasoning_tokens) AS reasoning_tokens, sum(estimated) AS estimated, sum(nanodollars IS NULL) AS unpriced,
        sum(nanodollars) AS nanodollars
      FROM usage WHERE ${condition}
      ${groups.length === 0 ? "" : `GROUP BY ${groups.map((group) => `"group_${group}"`).join(", ")}`}
      ORDER BY ${groups.length === 0 ? "requests" : groups.map((group) => `"group_${group}"`).join(", ")}`)
      .all(...values);
    return rows.filter((row) => Number(row.requests) > 0).map((row) => ({
      group: Object.fromEntries(
        groups.map((group) => [group, row[`group_${group}`] === null ? null : String(row[`group_${group}`])]),
      ),
      requests: Number(row.requests),
      errors: Number(row.errors),
      input_tokens: Number(row.input_tokens),
      cached_tokens: Number(row.cached_tokens),
      cache_write_tokens: Number(row.cache_write_tokens),
      output_tokens: Number(row.output_tokens),
      reasoning_tokens: Number(row.reasoning_tokens),
      estimated: Number(row.estimated),
      unpriced: Number(row.unpriced),
      cost_usd: toDollars(Number(row.nanodollars ?? 0)),
    }));
  }

  /** Every sum that differs from its rows; empty when the books are right. All as of one moment, also while a gateway books. */
  reconcile(): SpendingDifference[] {
    this.#database.exec("BEGIN");
    try {
      return this.#differences();
    } finally {
      this.#database.exec("COMMIT");
    }
  }

  #differences(): SpendingDifference[] {
    const sums = new SpendingSums();
    for (const record of this.records({})) sums.add(record);
    for (const row of this.#database.prepare("SELECT scope, period, nanodollars FROM forgotten").all()) {
      sums.addSum(String(row.scope), String(row.period), Number(row.nanodollars));
    }
    const recorded = new Map(
      this.#database.prepare("SELECT scope, period, nanodollars FROM spent").all()
        .map((row) => [`${row.scope}\n${row.period}`, Number(row.nanodollars)]),
    );
    const differences: SpendingDifference[] = [];
    sums.each((scope, period, summed) => {
      const name = `${scope}\n${period}`;
      const value = recorded.get(name) ?? 0;
      recorded.delete(name);
      if (value !== summed) differences.push({ scope, period, recorded: value, summed });
    });
    for (const [name, value] of recorded) {
      const [scope = "", period = ""] = name.split("\n");
      if (value !== 0) differences.push({ scope, period, recorded: value, summed: 0 });
    }
    return differences;
  }

  /** Removes rows from before a time, a part at a time; their sums stay. Returns how many went. */
  forget(before: number, most = 5_000): number {
    return this.#database.transaction(() => {
      const rows = this.#database.prepare(
        `SELECT sequence, ${columns.join(", ")} FROM usage WHERE time < ? ORDER BY sequence LIMIT ?`,
      ).all(before, most);
      const sums = new SpendingSums();
      const remove = this.#database.prepare("DELETE FROM usage WHERE sequence = ?");
      for (const { sequence, ...row } of rows) {
        sums.add(toRecord(row));
        remove.run(sequence!);
      }
      const add = addTo(this.#database, "forgotten");
      sums.each((scope, period, nanodollars) => add.run(scope, period, nanodollars));
      return rows.length;
    });
  }

  /** Changes whenever another process has booked something. */
  foreignChanges(): number {
    return Number(this.#database.prepare("PRAGMA data_version").get()?.data_version);
  }

  close(): void {
    this.#database.close();
  }
}

const dayMs = 86_400_000;

/** What the requests of one caller cost on one day. */
interface DaySum {
  /** One of them, for who it was and when. */
  readonly record: UsageRecord;
  nanodollars: number;
}

/** Adds costs up by scope and period. */
class SpendingSums {
  readonly #sums = new Map<string, Map<string, number>>();
  /** Not yet added to scopes and periods: there are far fewer callers than requests. */
  readonly #days = new Map<string, DaySum>();

  add(record: UsageRecord): void {
    const { nanodollars, time, key, team, organisation } = record;
    if (nanodollars === null || nanodollars === 0) return;
    const name = `${Math.floor(time / dayMs)}\n${key}\n${team}\n${organisation}`;
    const day = this.#days.get(name);
    if (day === undefined) this.#days.set(name, { record, nanodollars });
    else day.nanodollars += nanodollars;
  }

  addSum(scope: string, period: string, nanodollars: number): void {
    const periods = this.#sums.get(scope) ?? new Map<string, number>();
    this.#sums.set(scope, periods.set(period, (periods.get(period) ?? 0) + nanodollars));
  }

  each(visit: (scope: string, period: string, nanodollars: number) => void): void {
    for (const { record, nanodollars } of this.#days.values()) {
      const periods = periodsOf(record.time);
      for (const scope of scopesOf(record)) {
        for (const period of periods) this.addSum(scope, period, nanodollars);
      }
    }
    this.#days.clear();
    for (const [scope, periods] of this.#sums) {
      for (const [period, nanodollars] of periods) visit(scope, period, nanodollars);
    }
  }
}

function addTo(database: Database, table: "spent" | "forgotten"): DatabaseStatement {
  return database.prepare(
    `INSERT INTO ${table} VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET nanodollars = nanodollars + ?3`,
  );
}

const groupExpressions: Readonly<Record<UsageGroup, string>> = {
  key: "key",
  team: "team",
  organisation: "organisation",
  user: "user",
  model: "model",
  route: "route",
  target: "target",
  operation: "operation",
  outcome: "outcome",
  hour: "strftime('%Y-%m-%dT%H:00Z', time / 1000, 'unixepoch')",
  day: "strftime('%Y-%m-%d', time / 1000, 'unixepoch')",
  month: "strftime('%Y-%m', time / 1000, 'unixepoch')",
};

function where({ since, until, ...equal }: UsageFilter): {
  readonly condition: string;
  readonly values: DatabaseValue[];
} {
  const terms = ["1 = 1"];
  const values: DatabaseValue[] = [];
  const add = (term: string, value: DatabaseValue | undefined) => {
    if (value === undefined) return;
    terms.push(term);
    values.push(value);
  };
  add("time >= ?", since);
  add("time < ?", until);
  for (const name of ["key", "team", "organisation", "user", "model", "target", "outcome"] as const) {
    add(`${name} = ?`, equal[name]);
  }
  return { condition: terms.join(" AND "), values };
}

function toValue(value: UsageRecord[keyof UsageRecord]): DatabaseValue {
  if (typeof value === "boolean") return Number(value);
  return typeof value === "object" && value !== null ? JSON.stringify(value) : value;
}

function toRecord(row: Record<string, DatabaseValue>): UsageRecord {
  return {
    ...row,
    stream: row.stream === 1,
    cached: row.cached === 1,
    estimated: row.estimated === 1,
    attempts: JSON.parse(row.attempts as string),
  } as UsageRecord;
}
