import type { Clock } from "../../lib/clock.ts";
import { canonicalJson } from "../../lib/canonical-json.ts";
import type { Database, DatabaseStatement, DatabaseValue } from "../../plugin/api/host.ts";
import type { MetricSource, ReportMetric } from "../../schema/metrics.ts";
import type { AuditEntry } from "../../schema/telemetry-event.ts";
import { type AuditHead, type AuditVerdict, emptyHead, hashOf, verifyChain } from "./audit-chain.ts";

/** An act of administration. */
export interface AuditedAct {
  /** Id of the key that did it, `command-line`, or `gateway`. */
  readonly actor: string;
  /** Such as `key.create`. */
  readonly action: string;
  /** Such as `key:ID`. */
  readonly resource: string;
  /** `ok` when absent. */
  readonly outcome?: "ok" | "failed";
  /** What was asked for: plain data, and never a secret. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Where the head is kept beside the log. */
export interface HeadKeeper {
  read(): AuditHead | undefined;
  /** Durable when it returns. */
  write(head: AuditHead): void;
}

export interface AuditLogOptions {
  readonly database: Database;
  /** Undefined where everything is kept in memory. */
  readonly heads: HeadKeeper | undefined;
  readonly clock: Pick<Clock, "now">;
  /** Told of every entry; must not throw. */
  readonly onEntry?: (entry: AuditEntry) => void;
}

export interface AuditQuery {
  /** 1 to 1000. */
  readonly limit: number;
  /** Only entries before this sequence. */
  readonly before?: number | undefined;
  readonly actor?: string | undefined;
  readonly action?: string | undefined;
}

const noLimit = Number.MAX_SAFE_INTEGER;

/**
 * The log of every administrative act. It is only ever appended to, and each entry holds the hash of the one before: who changes or
 * removes one must make all later ones anew, and then the head no longer fits that is kept in a file of its own and sent to the
 * exporters.
 *
 * Several processes may write to one log.
 */
export class AuditLog implements MetricSource {
  readonly #options: AuditLogOptions;
  readonly #last: DatabaseStatement;
  readonly #insert: DatabaseStatement;
  readonly #hashAt: DatabaseStatement;

  constructor(options: AuditLogOptions) {
    this.#options = options;
    const { database } = options;
    // An act that the log does not have must not have happened: each entry is on the disk before the call returns.
    database.exec("PRAGMA synchronous = FULL");
    database.exec(`
      CREATE TABLE IF NOT EXISTS audit (
        sequence INTEGER PRIMARY KEY, time TEXT NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL,
        resource TEXT NOT NULL, outcome TEXT NOT NULL, details TEXT NOT NULL, previous_hash TEXT NOT NULL,
        hash TEXT NOT NULL
      )`);
    this.#last = database.prepare("SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1");
    this.#insert = database.prepare(
      "INSERT INTO audit (sequence, time, actor, action, resource, outcome, details, previous_hash, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    );
    this.#hashAt = database.prepare("SELECT hash FROM audit WHERE sequence = ?");
    const { heads } = options;
    if (this.head().count === 0 && heads?.read() === undefined) heads?.write(emptyHead);
  }

  /** Appends an entry, which is durable when this returns. @throws when it cannot be written. */
  record({ actor, action, resource, outcome = "ok", details = {} }: AuditedAct): AuditEntry {
    const { database, clock, onEntry } = this.#options;
    const entry = database.transaction(() => {
      const last = this.head();
      const content = {
        sequence: last.count + 1,
        time: new Date(clock.now()).toISOString(),
        actor,
        action,
        resource,
        outcome,
        // As it will be read again: what JSON cannot hold must not count for the hash.
        details: JSON.parse(canonicalJson(details)) as Record<string, unknown>,
        previous_hash: last.hash,
      };
      const made: AuditEntry = { ...content, hash: hashOf(content) };
      this.#insert.run(
        made.sequence,
        made.time,
        actor,
        action,
        resource,
        outcome,
        canonicalJson(made.details),
        made.previous_hash,
        made.hash,
      );
      return made;
    });
    this.#keepHead();
    onEntry?.(entry);
    return entry;
  }

  /** Newest first. */
  list({ limit, before = noLimit, actor, action }: AuditQuery): AuditEntry[] {
    return this.#options.database.prepare(
      `SELECT * FROM audit WHERE sequence < ?1 AND (?2 IS NULL OR actor = ?2) AND (?3 IS NULL OR action = ?3)
       ORDER BY sequence DESC LIMIT ?4`,
    ).all(before, actor ?? null, action ?? null, limit).map(entryOf);
  }

  /** @param seen a head that was noted elsewhere, such as from an exporter. */
  verify(seen?: AuditHead): AuditVerdict {
    const heads = new Map<string, AuditHead>();
    const kept = this.#options.heads?.read();
    if (kept !== undefined) heads.set("the head file", kept);
    else if (this.#options.heads !== undefined && this.head().count > 0) {
      const verdict = verifyChain(this.#entries(), heads);
      return { ...verdict, ok: false, problems: ["the head file is missing", ...verdict.problems] };
    }
    if (seen !== undefined) heads.set("the given head", seen);
    return verifyChain(this.#entries(), heads);
  }

  head(): AuditHead {
    const row = this.#last.get();
    return row === undefined ? emptyHead : { count: Number(row.sequence), hash: String(row.hash) };
  }

  collect(report: ReportMetric): void {
    report("intellirouter_audit_records", this.head().count);
  }

  close(): void {
    this.#options.database.close();
  }

  /** After the entry: a crash in between leaves a head that is behind, which is true, and never one that is ahead. */
  #keepHead(): void {
    const { heads, database } = this.#options;
    if (heads === undefined) return;
    // The lock keeps a slower process from writing an older head over a newer one.
    database.transaction(() => {
      const kept = heads.read();
      // A head that the log does not lead to is evidence, and so is one that is missing.
      if (kept !== undefined && this.#leadsTo(kept)) heads.write(this.head());
    });
  }

  #leadsTo({ count, hash }: AuditHead): boolean {
    return count === 0 || this.#hashAt.get(count)?.hash === hash;
  }

  *#entries(): Generator<AuditEntry> {
    const page = this.#options.database.prepare(
      "SELECT * FROM audit WHERE sequence > ? ORDER BY sequence LIMIT 1000",
    );
    for (let rows = page.all(0); rows.length > 0; rows = page.all(Number(rows.at(-1)!.sequence))) {
      yield* rows.map(entryOf);
    }
  }
}

function entryOf(row: Record<string, DatabaseValue>): AuditEntry {
  return {
    sequence: Number(row.sequence),
    time: String(row.time),
    actor: String(row.actor),
    action: String(row.action),
    resource: String(row.resource),
    outcome: row.outcome as AuditEntry["outcome"],
    details: parsed(String(row.details)),
    previous_hash: String(row.previous_hash),
    hash: String(row.hash),
  };
}

/** What somebody has written over must still be read, so that it can be shown to be wrong. */
function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return { unreadable: text };
  }
}
