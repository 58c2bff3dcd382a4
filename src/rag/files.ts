import { ApiError } from "../lib/api-error.ts";
import type { Clock } from "../lib/clock.ts";
import type { filePurposes } from "../schema/retrieval.ts";
import type { FileCatalog, FileRecord } from "./file-catalog.ts";
import { FileTooLarge, type FileVault } from "./file-vault.ts";
import type { Page, PageRequest } from "./statements.ts";

export interface Upload {
  readonly tenant: string;
  readonly filename: string;
  readonly purpose: typeof filePurposes[number];
  readonly contentType: string | undefined;
  /** From now on; never when absent. */
  readonly expiresAfterSeconds: number | undefined;
}

export interface FilesParts {
  readonly clock: Pick<Clock, "now">;
  readonly catalog: FileCatalog;
  readonly vault: FileVault;
  readonly maxBytes: () => number;
  /** A file is about to go: it must not stay in vector stores. */
  readonly onDelete: (fileId: string) => void;
}

/** Files that clients have uploaded. What another tenant has is as unknown as what never was. */
export class Files {
  readonly #parts: FilesParts;

  constructor(parts: FilesParts) {
    this.#parts = parts;
  }

  /** The largest file that is taken. */
  get maxBytes(): number {
    return this.#parts.maxBytes();
  }

  /**
   * Keeps the bytes of a file, and then what is known of it.
   *
   * @param about asked when all bytes are there: in a form, the rest may come behind them.
   * @throws {ApiError} 413; whatever `pieces` and `about` throw.
   */
  async add(pieces: AsyncIterable<Uint8Array>, about: () => Upload | Promise<Upload>): Promise<FileRecord> {
    const { catalog, vault, clock, maxBytes } = this.#parts;
    const id = catalog.newId();
    const bytes = await vault.write(id, pieces, maxBytes()).catch((error) => {
      throw error instanceof FileTooLarge ? tooLarge(error) : error;
    });
    try {
      const { expiresAfterSeconds, filename, ...upload } = await about();
      const expiresAt = expiresAfterSeconds === undefined
        ? undefined
        : clock.now() + expiresAfterSeconds * 1000;
      return catalog.add({ ...upload, filename: plainName(filename), bytes, expiresAt }, id);
    } catch (error) {
      await vault.remove(id);
      throw error;
    }
  }

  /** @throws {ApiError} 404 */
  get(tenant: string, id: string): FileRecord {
    const file = this.#parts.catalog.find(id, tenant);
    if (file === undefined || (file.expiresAt ?? Infinity) <= this.#parts.clock.now()) throw fileNotFound(id);
    return file;
  }

  list(tenant: string, page: PageRequest & { readonly purpose?: string | undefined }): Page<FileRecord> {
    return this.#parts.catalog.list(tenant, page);
  }

  /** @throws {ApiError} 404 */
  content(
    tenant: string,
    id: string,
  ): { readonly file: FileRecord; readonly body: ReadableStream<Uint8Array> } {
    const file = this.get(tenant, id);
    return { file, body: this.#parts.vault.stream(id) };
  }

  /** Deletes a file, also from the vector stores that it is in. @throws {ApiError} 404 */
  async delete(tenant: string, id: string): Promise<void> {
    this.get(tenant, id);
    await this.#remove(id);
  }

  /** Deletes those whose time is over; gives how many. */
  async expire(): Promise<number> {
    const expired = this.#parts.catalog.expired(1_000);
    for (const { id } of expired) await this.#remove(id);
    return expired.length;
  }

  async #remove(id: string): Promise<void> {
    const { catalog, vault, onDelete } = this.#parts;
    onDelete(id);
    catalog.delete(id);
    await vault.remove(id);
  }
}

export function fileNotFound(id: string): ApiError {
  return new ApiError({
    status: 404,
    code: "file_not_found",
    param: "file_id",
    message: `There is no file '${id.slice(0, 128)}'.`,
  });
}

/** A name without a path, and without what cannot be seen. */
function plainName(name: string): string {
  const last = name.split(/[/\\]/).at(-1) ?? "";
  const plain = last.toWellFormed().replace(/[\p{Cc}\p{Cf}]/gu, "").trim().slice(0, 255);
  return plain === "" ? "file" : plain;
}

function tooLarge(error: FileTooLarge): ApiError {
  return new ApiError({
    status: 413,
    code: "file_too_large",
    param: "file",
    message: `${error.message[0]!.toUpperCase()}${error.message.slice(1)} (retrieval.max_file_bytes).`,
    cause: error,
  });
}
