import type { Database, DatabaseStatement } from "../plugin/api/host.ts";
import type { ChainRun, ChainRunStep } from "../schema/chain.ts";

/** A run as it is kept. */
export interface StoredRun {
  readonly id: string;
  readonly chain: string;
  /** Of the chain that it was begun with. */
  readonly version: string;
  readonly tenant: string;
  readonly principal: string;
  /** JSON of what the run was given. */
  readonly input: string;
}

/** How a run has ended. */
export interface RunEnd {
  readonly status: "completed" | "failed" | "cancelled";
  readonly output?: unknown;
  readonly error?: string;
  readonly tokens: number;
  readonly costUsd: number;
}

export interface RunFilter {
  /** Undefined: of everybody. */
  readonly tenant: string | undefined;
  readonly chain?: string | undefined;
  /** Older than the run with this id. */
  readonly before?: string | undefined;
  readonly limit: number;
}

/** Runs of chains and their steps in SQLite; a finished step is there before the next begins. */
export class ChainRunStore {
  readonly #database: Database;
  readonly #insertStep: DatabaseStatement;

  constructor(database: Database) {
    this.#database = database;
    database.exec(`
      CREATE TABLE IF NOT EXISTS runs (
        id TEXT PRIMARY KEY, chain TEXT NOT NULL, version TEXT NOT NULL, tenant TEXT NOT NULL, principal TEXT NOT NULL,
        status TEXT NOT NULL, input TEXT NOT NULL, output TEXT, error TEXT, tokens INTEGER NOT NULL DEFAULT 0,
        cost_usd REAL NOT NULL DEFAULT 0, created_at INTEGER NOT NULL, finished_at INTEGER
      ) WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS runs_tenant ON runs (tenant, id);
      CREATE TABLE IF NOT EXISTS steps (
        run TEXT NOT NULL, sequence INTEGER NOT NULL, path TEXT NOT NULL, status TEXT NOT NULL, record TEXT NOT NULL,
        PRIMARY KEY (run, sequence)
      ) WITHOUT ROWID`);
    this.#insertStep = database.prepare(
      `INSERT INTO steps SELECT ?1, coalesce(max(sequence), 0) + 1, ?2, ?3, ?4 FROM steps WHERE run = ?1`,
    );
  }

  begin(run: StoredRun, now: number): void {
    this.#database.prepare(
      `INSERT INTO runs (id, chain, version, tenant, principal, status, input, created_at)
       VALUES (?, ?, ?, ?, ?, 'running', ?, ?)`,
    ).run(run.id, run.chain, run.version, run.tenant, run.principal, run.input, now);
  }

  /** A run that was begun before goes on. */
  resume(id: string): void {
    this.#database.prepare(
      "UPDATE runs SET status = 'running', output = NULL, error = NULL, finished_at = NULL WHERE id = ?",
    ).run(id);
  }

  record(id: string, step: ChainRunStep): void {
    this.#insertStep.run(id, step.path, step.status, JSON.stringify(step));
  }

  end(id: string, { status, output, error, tokens, costUsd }: RunEnd, now: number): void {
    this.#database.prepare(
      "UPDATE runs SET status = ?, output = ?, error = ?, tokens = ?, cost_usd = ?, finished_at = ? WHERE id = ?",
    ).run(
      status,
      output === undefined ? null : JSON.stringify(output),
      error ?? null,
      tokens,
      costUsd,
      now,
      id,
    );
  }

  find(
    id: string,
    tenant: string | undefined,
  ): (StoredRun & { readonly status: ChainRun["status"] }) | undefined {
    const row = this.#database.prepare(
      "SELECT id, chain, version, tenant, principal, input, status FROM runs WHERE id = ?1 AND (?2 IS NULL OR tenant = ?2)",
    ).get(id, tenant ?? null);
    return row as unknown as StoredRun & { readonly status: ChainRun["status"] } | undefined;
  }

  /** Steps that were finished, by their paths. */
  finished(id: string): ReadonlyMap<string, ChainRunStep> {
    const rows = this.#database.prepare(
      "SELECT record FROM steps WHERE run = ? AND status = 'ok' ORDER BY sequence",
    ).all(id);
    return new Map(rows.map(({ record }) => {
      const step = JSON.parse(record as string) as ChainRunStep;
      return [step.path, step];
    }));
  }

  view(id: string, tenant: string | undefined): ChainRun | undefined {
    const row = this.#database.prepare("SELECT * FROM runs WHERE id = ?1 AND (?2 IS NULL OR tenant = ?2)")
      .get(
        id,
        tenant ?? null,
      );
    if (row === undefined) return undefined;
    const steps = this.#database.prepare("SELECT record FROM steps WHERE run = ? ORDER BY sequence").all(id);
    return { ...toRun(row), steps: steps.map(({ record }) => JSON.parse(record as string) as ChainRunStep) };
  }

  /** Newest first, without their steps. */
  list({ tenant, chain, before, limit }: RunFilter): ChainRun[] {
    return this.#database.prepare(
      `SELECT * FROM runs WHERE (?1 IS NULL OR tenant = ?1) AND (?2 IS NULL OR chain = ?2) AND (?3 IS NULL OR id < ?3)
       ORDER BY id DESC LIMIT ?4`,
    ).all(tenant ?? null, chain ?? null, before ?? null, limit).map(toRun);
  }

  /** Removes runs from before a time, with their steps. Returns how many. */
  forget(before: number): number {
    return this.#database.transaction(() => {
      this.#database.prepare("DELETE FROM steps WHERE run IN (SELECT id FROM runs WHERE created_at < ?)").run(
        before,
      );
      return this.#database.prepare("DELETE FROM runs WHERE created_at < ?").run(before).changes;
    });
  }

  close(): void {
    this.#database.close();
  }
}

function toRun(row: ReturnType<DatabaseStatement["all"]>[number]): ChainRun {
  return {
    id: String(row.id),
    object: "chain.run",
    chain: String(row.chain),
    status: row.status as ChainRun["status"],
    created_at: Number(row.created_at),
    ...(row.finished_at === null ? {} : { finished_at: Number(row.finished_at) }),
    input: (JSON.parse(String(row.input)) as { readonly value: unknown }).value,
    ...(row.output === null ? {} : { output: JSON.parse(String(row.output)) }),
    ...(row.error === null ? {} : { error: String(row.error) }),
    tokens: Number(row.tokens),
    cost_usd: Number(row.cost_usd),
  };
}
