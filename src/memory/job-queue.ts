import type { Clock } from "../lib/clock.ts";
import type { Database, DatabaseValue } from "../plugin/api/host.ts";

export interface Job {
  /** At most one job of a name is waiting. */
  readonly name: string;
  readonly kind: "append" | "condense" | "learn";
  readonly tenant: string;
  readonly conversation: string;
  /** What it needs to know; plain data. */
  readonly payload: unknown;
}

export interface TakenJob extends Job {
  readonly attempts: number;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly version: number;
}

/** Nobody else takes a job that somebody is at work on, unless he has died; in milliseconds. */
export const leaseMs = 10_000;

/** Turns of one conversation are written in their order: none goes before one that waits. */
const isFirst = `(kind <> 'append' OR NOT EXISTS (
  SELECT 1 FROM jobs AS earlier WHERE earlier.tenant = jobs.tenant AND earlier.conversation = jobs.conversation
    AND earlier.kind = 'append' AND earlier.number < jobs.number
))`;

/** Work that is still to be done, on disk: it is there after the process has been killed. */
export class JobQueue {
  readonly #database: Database;
  readonly #clock: Pick<Clock, "now">;

  constructor(database: Database, clock: Pick<Clock, "now">) {
    this.#database = database;
    this.#clock = clock;
    database.exec(`
      CREATE TABLE IF NOT EXISTS jobs (
        number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, tenant TEXT NOT NULL, conversation TEXT NOT NULL,
        payload TEXT NOT NULL, due_at INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
        leased_until INTEGER NOT NULL DEFAULT 0, version INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL
      );
      CREATE INDEX IF NOT EXISTS jobs_due ON jobs (due_at);
      CREATE INDEX IF NOT EXISTS jobs_conversation ON jobs (tenant, conversation);
    `);
  }

  /** Puts a job in the place of one of its name, which then begins anew. */
  add({ name, kind, tenant, conversation, payload }: Job, delayMs = 0): void {
    const now = this.#clock.now();
    this.#database.prepare(
      `INSERT INTO jobs (name, kind, tenant, conversation, payload, due_at, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (name) DO UPDATE SET payload = excluded.payload, due_at = excluded.due_at, attempts = 0, version = version + 1`,
    ).run(name, kind, tenant, conversation, JSON.stringify(payload), now + delayMs, now);
  }

  /** The job that is due longest and nobody is at work on; oldest first. */
  take(): TakenJob | undefined {
    const now = this.#clock.now();
    const row = this.#database.prepare(
      `UPDATE jobs SET leased_until = ?1 WHERE name = (
         SELECT name FROM jobs WHERE due_at <= ?2 AND leased_until <= ?2 AND ${isFirst} ORDER BY due_at, number LIMIT 1
       ) RETURNING *`,
    ).get(now + leaseMs, now);
    return row && jobOf(row);
  }

  /** Somebody is still at work on it. */
  extend({ name, version }: TakenJob): void {
    this.#database.prepare("UPDATE jobs SET leased_until = ? WHERE name = ? AND version = ?")
      .run(this.#clock.now() + leaseMs, name, version);
  }

  /** Nobody is at work on it any more, and nothing came of it. */
  release({ name }: TakenJob): void {
    this.#release(name);
  }

  /** Done, unless it has been put again in the meantime. */
  finish({ name, version }: TakenJob): void {
    const { changes } = this.#database.prepare("DELETE FROM jobs WHERE name = ? AND version = ?").run(
      name,
      version,
    );
    if (changes === 0) this.#release(name);
  }

  /** Tried in vain, and due again later. */
  retry({ name, version }: TakenJob, delayMs: number): void {
    this.#database.prepare(
      "UPDATE jobs SET attempts = attempts + 1, due_at = ?, leased_until = 0 WHERE name = ? AND version = ?",
    ).run(this.#clock.now() + delayMs, name, version);
    this.#release(name);
  }

  /** Whether something is waiting for this conversation. */
  has(kind: Job["kind"], tenant: string, conversation: string): boolean {
    return this.#database.prepare(
      "SELECT 1 FROM jobs WHERE tenant = ? AND conversation = ? AND kind = ? LIMIT 1",
    )
      .get(tenant, conversation, kind) !== undefined;
  }

  count(kind: Job["kind"]): number {
    return Number(this.#database.prepare("SELECT count(*) AS jobs FROM jobs WHERE kind = ?").get(kind)!.jobs);
  }

  /** @param conversation all of the tenant's when absent. */
  cancel(tenant: string, conversation?: string): void {
    if (conversation === undefined) this.#database.prepare("DELETE FROM jobs WHERE tenant = ?").run(tenant);
    else {
      this.#database.prepare("DELETE FROM jobs WHERE tenant = ? AND conversation = ?").run(
        tenant,
        conversation,
      );
    }
  }

  /** Milliseconds until there is something to do; undefined when there is nothing. */
  waitMs(): number | undefined {
    const due = this.#database.prepare(
      `SELECT min(max(due_at, leased_until)) AS due FROM jobs WHERE ${isFirst}`,
    ).get()?.due;
    return typeof due === "number" ? Math.max(0, due - this.#clock.now()) : undefined;
  }

  close(): void {
    this.#database.close();
  }

  #release(name: string): void {
    this.#database.prepare("UPDATE jobs SET leased_until = 0 WHERE name = ?").run(name);
  }
}

function jobOf(row: Record<string, DatabaseValue>): TakenJob {
  return {
    name: row.name as string,
    kind: row.kind as Job["kind"],
    tenant: row.tenant as string,
    conversation: row.conversation as string,
    payload: JSON.parse(row.payload as string),
    attempts: row.attempts as number,
    version: row.version as number,
    createdAt: row.created_at as number,
  };
}
