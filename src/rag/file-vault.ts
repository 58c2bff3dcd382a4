import { createReadStream } from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";

/** The bytes of files, by their ids. */
export interface FileVault {
  /**
   * Keeps the bytes once the last of them is there; until then, and when it throws, there is no such file.
   *
   * @returns how many there were.
   * @throws {FileTooLarge}
   */
  write(id: string, pieces: AsyncIterable<Uint8Array>, maxBytes: number): Promise<number>;
  /** @throws when there is no such file. */
  read(id: string): Promise<Uint8Array>;
  /** @throws when there is no such file. */
  stream(id: string): ReadableStream<Uint8Array>;
  /** Nothing happens when there is no such file. */
  remove(id: string): Promise<void>;
}

export class FileTooLarge extends Error {
  override readonly name = "FileTooLarge";
}

const partSuffix = ".part";

/** Bytes in a folder of the disk, one file each. Ids are our own, and never parts of a path. */
export class FolderVault implements FileVault {
  readonly #folder: string;
  #ready: Promise<void> | undefined;

  /** @param folder made when it is first needed. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  async write(id: string, pieces: AsyncIterable<Uint8Array>, maxBytes: number): Promise<number> {
    await this.#open();
    const path = this.#path(id);
    const part = `${path}${partSuffix}`;
    const file = await open(part, "w", 0o600);
    let bytes = 0;
    try {
      for await (const piece of pieces) {
        bytes += piece.byteLength;
        if (bytes > maxBytes) throw new FileTooLarge(`the file is larger than ${maxBytes} bytes`);
        await file.writeFile(piece);
      }
      await file.sync();
      await file.close();
      await rename(part, path);
      return bytes;
    } catch (error) {
      await file.close().catch(() => {});
      await rm(part, { force: true });
      throw error;
    }
  }

  async read(id: string): Promise<Uint8Array> {
    return await readFile(this.#path(id));
  }

  stream(id: string): ReadableStream<Uint8Array> {
    return Readable.toWeb(createReadStream(this.#path(id))) as unknown as ReadableStream<Uint8Array>;
  }

  async remove(id: string): Promise<void> {
    await rm(this.#path(id), { force: true });
  }

  #path(id: string): string {
    if (!/^[A-Za-z0-9_-]{1,128}$/.test(id)) throw new TypeError("an id has letters, digits and dashes only");
    return join(this.#folder, id);
  }

  #open(): Promise<void> {
    return this.#ready ??= makeFolder(this.#folder);
  }
}

/** What an earlier run was in the middle of will not be gone on with. */
async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const parts = (await readdir(folder)).filter((name) => name.endsWith(partSuffix));
  await Promise.all(parts.map((name) => rm(join(folder, name), { force: true })));
}

/** Bytes in memory, for gateways that have no folder to write to. */
export class MemoryVault implements FileVault {
  readonly #files = new Map<string, Uint8Array>();
  readonly #maxBytes: number;

  /** @param maxBytes of all files together. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  async write(id: string, pieces: AsyncIterable<Uint8Array>, maxBytes: number): Promise<number> {
    const parts: Uint8Array[] = [];
    let bytes = 0;
    for await (const piece of pieces) {
      bytes += piece.byteLength;
      if (bytes > maxBytes) throw new FileTooLarge(`the file is larger than ${maxBytes} bytes`);
      if (bytes + this.#size() > this.#maxBytes) {
        throw new FileTooLarge(
          "there is no room in memory for more files; give the gateway a data directory",
        );
      }
      parts.push(piece);
    }
    this.#files.set(id, Buffer.concat(parts));
    return bytes;
  }

  read(id: string): Promise<Uint8Array> {
    const bytes = this.#files.get(id);
    return bytes === undefined ? Promise.reject(new Error("there is no such file")) : Promise.resolve(bytes);
  }

  stream(id: string): ReadableStream<Uint8Array> {
    const bytes = this.#files.get(id);
    if (bytes === undefined) throw new Error("there is no such file");
    return new Blob([bytes as Uint8Array<ArrayBuffer>]).stream();
  }

  remove(id: string): Promise<void> {
    this.#files.delete(id);
    return Promise.resolve();
  }

  #size(): number {
    return [...this.#files.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
  }
}
