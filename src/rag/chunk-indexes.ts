import type { Clock } from "../lib/clock.ts";
import type { Database } from "../plugin/api/host.ts";
import { ChunkIndex } from "./chunk-index.ts";

/** The databases of vector stores, by the stores' ids. */
export interface IndexFiles {
  open(storeId: string): Database;
  /** Nothing happens when there is none. */
  remove(storeId: string): void;
  /** Whether what is closed can be opened again. */
  readonly isDurable: boolean;
}

/** Open at the same time, unless more are really in use. */
const mostOpen = 64;
/** Longer than any search goes on; in milliseconds. */
const idleMs = 120_000;

/** The chunk indexes that are in use. */
export class ChunkIndexes {
  readonly #files: IndexFiles;
  readonly #clock: Pick<Clock, "monotonic">;
  /** Those used last at the end. */
  readonly #open = new Map<string, { readonly index: ChunkIndex; readonly usedAt: number }>();

  constructor(files: IndexFiles, clock: Pick<Clock, "monotonic">) {
    this.#files = files;
    this.#clock = clock;
  }

  /** To be used at once, and not to be kept. */
  get(storeId: string): ChunkIndex {
    const index = this.#open.get(storeId)?.index ?? new ChunkIndex(this.#files.open(storeId));
    this.#open.delete(storeId);
    this.#open.set(storeId, { index, usedAt: this.#clock.monotonic() });
    if (this.#files.isDurable) this.#closeIdle();
    return index;
  }

  /** Deletes a store's index. */
  remove(storeId: string): void {
    this.#open.get(storeId)?.index.close();
    this.#open.delete(storeId);
    this.#files.remove(storeId);
  }

  close(): void {
    for (const { index } of this.#open.values()) index.close();
    this.#open.clear();
  }

  #closeIdle(): void {
    if (this.#open.size <= mostOpen) return;
    const before = this.#clock.monotonic() - idleMs;
    for (const [storeId, { index, usedAt }] of this.#open) {
      if (this.#open.size <= mostOpen || usedAt > before) return;
      index.close();
      this.#open.delete(storeId);
    }
  }
}
