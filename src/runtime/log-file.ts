import { closeSync, fdatasync, fdatasyncSync, openSync, statfsSync, writeSync } from "node:fs";
import type { LogFile } from "../lib/log-file.ts";
import { bunApi } from "./bun-api.ts";

/** How much of a mapped file is made at once, in bytes. */
const stepBytes = 8 * 1024 * 1024;

/**
 * File systems on which bytes that were once written can be written again without new space, by their `f_type` (statfs(2)): ext2 to
 * ext4, XFS, tmpfs. Where a full disk can still refuse them, or where the file is elsewhere, a write to a mapping would end the process.
 */
const inPlace = new Set([0xef53, 0x58465342, 0x01021994]);

/**
 * Opens a new file for a log.
 *
 * Where that is safe its bytes are written through a shared mapping of the file, which costs no system call and is with the
 * operating system all the same; the file is then longer than what was written, and ends in zeros.
 */
export function openLogFile(path: string): LogFile {
  const file = openSync(path, "wx+", 0o600);
  const mmap = bunApi()?.mmap;
  if (mmap === undefined || !inPlace.has(statfsSync(path).type)) return new WrittenLogFile(file);
  try {
    return new MappedLogFile(file, () => mmap(path, { shared: true }));
  } catch {
    // Too full for a step: there may be enough for lines.
    return new WrittenLogFile(file);
  }
}

class WrittenLogFile implements LogFile {
  protected readonly file: number;

  constructor(file: number) {
    this.file = file;
  }

  write(text: string): number {
    const written = writeSync(this.file, text);
    // As many bytes as characters: all of them. Otherwise they have to be counted.
    if (written !== text.length && written < Buffer.byteLength(text)) {
      throw new Error(`only ${written} bytes of a line could be written`);
    }
    return written;
  }

  sync(): void {
    fdatasyncSync(this.file);
  }

  syncSoon(onError: (error: unknown) => void): void {
    fdatasync(this.file, (error) => {
      // The file may have been closed meanwhile.
      if (error !== null && error.code !== "EBADF") onError(error);
    });
  }

  close(): void {
    closeSync(this.file);
  }
}

class MappedLogFile extends WrittenLogFile {
  readonly #map: () => Uint8Array;
  readonly #encoder = new TextEncoder();
  #bytes: Uint8Array;
  #size = 0;
  #length = 0;

  /** @throws when there is no room for a first step. */
  constructor(file: number, map: () => Uint8Array) {
    super(file);
    this.#map = map;
    this.#bytes = this.#grow(0);
  }

  override write(text: string): number {
    for (;;) {
      const { read, written } = this.#encoder.encodeInto(text, this.#bytes.subarray(this.#size));
      if (read === text.length) {
        this.#size += written;
        return written;
      }
      // What was begun must not be taken for a line, should there be no room for the rest.
      this.#bytes.fill(0, this.#size);
      this.#bytes = this.#grow(text.length);
    }
  }

  /** Real zeros, so that the space is the file's own. */
  #grow(least: number): Uint8Array {
    const step = Math.ceil((least + 1) / stepBytes) * stepBytes;
    const zeros = new Uint8Array(step);
    for (let done = 0; done < step;) {
      const written = writeSync(this.file, zeros, 0, step - done, this.#length + done);
      if (written === 0) throw new Error("the disk takes no more");
      done += written;
    }
    this.#length += step;
    return this.#map();
  }
}
