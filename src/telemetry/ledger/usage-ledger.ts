import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Clock, TimerHandle } from "../../lib/clock.ts";
import type { OpenLogFile } from "../../lib/log-file.ts";
import type { Decision } from "../../schema/decision.ts";
import type { UsageRecord } from "../../schema/usage.ts";
import type { UsageDatabase } from "./usage-database.ts";
import {
  begunOf,
  type BegunRequest,
  begunValuesOf,
  lostRecordOf,
  recordOf,
  usageRecordOf,
  valuesOf,
} from "./usage-record.ts";
import { readWriteAheadLog, WriteAheadLog } from "./write-ahead-log.ts";

export interface UsageLedgerOptions {
  readonly database: UsageDatabase;
  /** Where the write-ahead log goes; undefined keeps everything in memory until it is booked. */
  readonly directory: string | undefined;
  /** A number that no other living process on this directory has. */
  readonly slot: number;
  readonly openLog: OpenLogFile;
  readonly clock: Clock;
  /** Told when something cannot be written; must not throw. */
  readonly onError: (message: string, error: unknown) => void;
  /** Milliseconds for which rows are kept; 0 keeps them for ever. */
  readonly retentionMs: () => number;
}

const bookAfterMs = 250;
const bookAtRecords = 512;
/** Bytes after which a new segment of the log is begun. */
const segmentBytes = 6 * 1024 * 1024;
/** Rows that may wait in memory for a database that cannot be written. */
const mostPending = 100_000;
const forgetAfterMs = 1_000;
const retentionEveryMs = 3_600_000;

/** What a log line says: that a request was sent to a backend, or how one ended. */
type Entry = readonly ["begin" | "end", readonly unknown[]];

/**
 * The usage ledger: a row for every request, whatever becomes of the process.
 *
 * What is about to be spent is written ahead to a log, and what was spent before the client has the end of its answer; both are with
 * the operating system before the call returns, so that `kill -9` loses neither. Rows go from there into SQLite a group at a time,
 * together with how far the log has been taken over. At the next start the rest of the log is booked, and what has begun and not
 * ended is booked as lost, at what was set aside for it.
 */
export class UsageLedger {
  readonly #options: UsageLedgerOptions;
  readonly #open = new Map<string, BegunRequest>();
  #pending: UsageRecord[] = [];
  #segment = 0;
  #log: WriteAheadLog | undefined;
  #timer: TimerHandle | undefined;
  #retentionTimer: TimerHandle | undefined;
  #failures = 0;
  #isClosed = false;

  /** Books what an earlier process of this slot has left. @throws when the directory cannot be written. */
  constructor(options: UsageLedgerOptions) {
    this.#options = options;
    this.#recover();
    this.#retentionTimer = options.clock.setTimeout(() => this.#forget(), forgetAfterMs);
  }

  /** Rows that the database does not have yet. */
  get lag(): number {
    return this.#pending.length;
  }

  /** False while the log cannot be written: a crash would then lose rows. */
  get isDurable(): boolean {
    return this.#failures === 0;
  }

  /** A request is about to be sent to a backend; again for the same id when another target is tried. */
  begin(request: BegunRequest): void {
    this.#open.set(request.id, request);
    this.#append(["begin", begunValuesOf(request)]);
  }

  /** A request has ended, however. Never throws. */
  settle(decision: Decision): void {
    const record = usageRecordOf(decision);
    this.#open.delete(record.id);
    this.#append(["end", valuesOf(record)]);
    this.#pending.push(record);
    if (this.#pending.length >= bookAtRecords) this.flush();
    else this.#timer ??= this.#options.clock.setTimeout(() => this.flush(), bookAfterMs);
  }

  /** Books what waits, now. Never throws. */
  flush(): void {
    const { clock, database, slot, onError } = this.#options;
    if (this.#timer !== undefined) clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#pending.length === 0) return;
    try {
      database.book(this.#pending, slot, { segment: this.#segment, offset: this.#log?.size ?? 0 });
      this.#pending = [];
      if ((this.#log?.size ?? 0) > segmentBytes) this.#beginSegment();
    } catch (error) {
      const lost = Math.max(0, this.#pending.length - mostPending);
      this.#pending = this.#pending.slice(lost);
      onError(`usage cannot be booked; ${this.#pending.length} rows wait, ${lost} were given up`, error);
      this.#timer ??= clock.setTimeout(() => this.flush(), 4 * bookAfterMs);
    }
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  close(): void {
    this.#isClosed = true;
    this.flush();
    const { clock, database } = this.#options;
    if (this.#retentionTimer !== undefined) clock.clearTimeout(this.#retentionTimer);
    this.#log?.close();
    database.close();
  }

  #append(entry: Entry): void {
    if (this.#log === undefined) return;
    try {
      this.#log.append(JSON.stringify(entry));
      this.#failures = 0;
    } catch (error) {
      // One complaint for a full disk, not one for every request.
      if (this.#failures++ === 0) {
        this.#options.onError("the usage log cannot be written; a crash would lose rows", error);
      }
    }
  }

  #recover(): void {
    const { directory, slot, database } = this.#options;
    if (directory === undefined) return;
    const booked = database.positionOf(slot) ?? { segment: 0, offset: 0 };
    const segments = this.#segments();
    const ended: UsageRecord[] = [];
    const begun = new Map<string, BegunRequest>();
    for (const segment of segments) {
      for (const { value, end } of readWriteAheadLog(this.#pathOf(segment))) {
        const entry = value as Entry;
        if (entry[0] === "begin") {
          const request = begunOf(entry[1]);
          begun.set(request.id, request);
        } else {
          const record = recordOf(entry[1]);
          begun.delete(record.id);
          const isBooked = segment < booked.segment || segment === booked.segment && end <= booked.offset;
          if (!isBooked) ended.push(record);
        }
      }
    }
    const next = Math.max(booked.segment, ...segments) + 1;
    database.book([...ended, ...[...begun.values()].map(lostRecordOf)], slot, { segment: next, offset: 0 });
    for (const segment of segments) rmSync(this.#pathOf(segment));
    this.#openSegment(next);
  }

  /** What an earlier process of this slot has left: one, or two when it crashed between them. */
  #segments(): number[] {
    const { directory, slot } = this.#options;
    const name = new RegExp(`^usage-${slot}-(\\d+)\\.wal$`);
    return readdirSync(directory!)
      .flatMap((file) => name.exec(file)?.[1] ?? [])
      .map(Number)
      .toSorted((one, other) => one - other);
  }

  /** Requests that run go on in the new segment, which is on the disk before the old one goes. */
  #beginSegment(): void {
    const { database, slot } = this.#options;
    const old = this.#log;
    this.#openSegment(this.#segment + 1);
    for (const request of this.#open.values()) this.#append(["begin", begunValuesOf(request)]);
    this.#log?.sync();
    database.book([], slot, { segment: this.#segment, offset: 0 });
    old?.remove();
  }

  #openSegment(segment: number): void {
    const { clock, openLog, onError } = this.#options;
    this.#log = new WriteAheadLog(
      this.#pathOf(segment),
      openLog,
      clock,
      (error) => onError("the usage log cannot be synchronised with the disk", error),
    );
    this.#segment = segment;
  }

  #pathOf(segment: number): string {
    const { directory, slot } = this.#options;
    return join(directory!, `usage-${slot}-${segment}.wal`);
  }

  /** A part of what is too old goes at a time, so that no request waits for it. */
  #forget(): void {
    const { clock, database, retentionMs, onError } = this.#options;
    let more = false;
    try {
      const keptMs = retentionMs();
      more = keptMs > 0 && database.forget(clock.now() - keptMs, 1_000) === 1_000;
    } catch (error) {
      onError("old usage cannot be removed", error);
    }
    this.#retentionTimer = clock.setTimeout(() => this.#forget(), more ? forgetAfterMs : retentionEveryMs);
  }
}
