import { closeSync, fdatasync, fdatasyncSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { crc32 } from "node:zlib";
import type { Clock, TimerHandle } from "../../lib/clock.ts";

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
  readonly #file: number;
  #size = 0;
  /** The last line may have been cut short, and must not take the next one with it. */
  #torn = false;
  #syncTimer: TimerHandle | undefined;

  /** @throws when there is a file of this name: what it holds must be read first. */
  constructor(path: string, clock: Clock, onError: (error: unknown) => void) {
    this.path = path;
    this.#clock = clock;
    this.#onError = onError;
    this.#file = openSync(path, "wx", 0o600);
  }

  /** Bytes. */
  get size(): number {
    return this.#size;
  }

  /** @throws when the disk is full or gone. */
  append(json: string): void {
    const line = `${this.#torn ? "\n" : ""}${checksum(json)} ${json}\n`;
    this.#torn = true;
    const written = writeSync(this.#file, line);
    this.#size += written;
    // As many bytes as characters: all of them. Otherwise they have to be counted.
    if (written !== line.length && written < Buffer.byteLength(line)) {
      throw new Error(`only ${written} bytes of a line could be written`);
    }
    this.#torn = false;
    this.#syncTimer ??= this.#clock.setTimeout(() => this.#sync(), syncAfterMs);
  }

  /** Waits until the disk has everything. */
  sync(): void {
    if (this.#syncTimer !== undefined) this.#clock.clearTimeout(this.#syncTimer);
    this.#syncTimer = undefined;
    fdatasyncSync(this.#file);
  }

  close(): void {
    this.sync();
    closeSync(this.#file);
  }

  remove(): void {
    if (this.#syncTimer !== undefined) this.#clock.clearTimeout(this.#syncTimer);
    closeSync(this.#file);
    rmSync(this.path, { force: true });
  }

  #sync(): void {
    this.#syncTimer = undefined;
    fdatasync(this.#file, (error) => {
      if (error !== null && error.code !== "EBADF") this.#onError(error);
    });
  }
}

/** One value of a log and where the next begins, in bytes. */
export interface LoggedValue {
  readonly value: unknown;
  readonly end: number;
}

/** Every whole value of a log. A line that a crash cut short, or that the disk has changed, is left out. */
export function readWriteAheadLog(path: string): LoggedValue[] {
  const bytes = readFileSync(path);
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

const checksumLength = 8;

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(checksumLength, "0");
}
