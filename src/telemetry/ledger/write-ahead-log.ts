import { readFileSync, rmSync } from "node:fs";
import { crc32 } from "node:zlib";
import type { Clock, TimerHandle } from "../../lib/clock.ts";
import type { LogFile, OpenLogFile } from "../../lib/log-file.ts";

/** Longest time for which a power cut can undo what was appended, in milliseconds. A crash of the process undoes nothing. */
const syncAfterMs = 100;

/**
 * A file of JSON values, one a line, each behind its CRC-32. An appended value is with the operating system when `append` returns, so
 * that `kill -9` cannot take it back; the disk has it a moment later.
 */
export class WriteAheadLog {
  readonly path: string;
  readonly #clock: Clock;
  readonly #onError: (error: unknown) => void;
  readonly #file: LogFile;
  #size = 0;
  /** The last line may have been cut short, and must not take the next one with it. */
  #torn = false;
  #syncTimer: TimerHandle | undefined;

  /** @throws when there is a file of this name: what it holds must be read first. */
  constructor(path: string, open: OpenLogFile, clock: Clock, onError: (error: unknown) => void) {
    this.path = path;
    this.#clock = clock;
    this.#onError = onError;
    this.#file = open(path);
  }

  /** Bytes. */
  get size(): number {
    return this.#size;
  }

  /** @throws when the disk is full or gone. */
  append(json: string): void {
    const line = `${this.#torn ? "\n" : ""}${checksum(json)} ${json}\n`;
    this.#torn = true;
    this.#size += this.#file.write(line);
    this.#torn = false;
    this.#syncTimer ??= this.#clock.setTimeout(() => this.#sync(), syncAfterMs);
  }

  /** Waits until the disk has everything. */
  sync(): void {
    if (this.#syncTimer !== undefined) this.#clock.clearTimeout(this.#syncTimer);
    this.#syncTimer = undefined;
    this.#file.sync();
  }

  close(): void {
    this.sync();
    this.#file.close();
  }

  remove(): void {
    if (this.#syncTimer !== undefined) this.#clock.clearTimeout(this.#syncTimer);
    this.#file.close();
    rmSync(this.path, { force: true });
  }

  #sync(): void {
    this.#syncTimer = undefined;
    this.#file.syncSoon(this.#onError);
  }
}

/** One value of a log and where the next begins, in bytes. */
export interface LoggedValue {
  readonly value: unknown;
  readonly end: number;
}

/** Every whole value of a log. A line that a crash cut short, or that the disk has changed, is left out. */
export function readWriteAheadLog(path: string): LoggedValue[] {
  const bytes = withoutZeros(readFileSync(path));
  const values: LoggedValue[] = [];
  for (let start = 0; start < bytes.byteLength;) {
    const newline = bytes.indexOf(10, start);
    const end = newline < 0 ? bytes.byteLength : newline + 1;
    const line = bytes.toString("utf8", start, newline < 0 ? end : newline);
    const json = line.slice(checksumLength + 1);
    const isWhole = line.length > checksumLength && line.slice(0, checksumLength) === checksum(json);
    if (isWhole) values.push({ value: JSON.parse(json), end });
    start = end;
  }
  return values;
}

/** Files are made longer than what is written to them. */
function withoutZeros(bytes: Buffer): Buffer {
  let end = bytes.byteLength;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return bytes.subarray(0, end);
}

const checksumLength = 8;

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(checksumLength, "0");
}
