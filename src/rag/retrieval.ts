import type { Clock, TimerHandle } from "../lib/clock.ts";
import type { Database } from "../plugin/api/host.ts";
import type { VectorStore } from "../plugin/api/vector-store.ts";
import type { RetrievalSettings } from "../schema/retrieval.ts";
import { ChunkIndexes, type IndexFiles } from "./chunk-indexes.ts";
import type { RetrievalCaller } from "./contracts.ts";
import type { DocumentReader } from "./document-reader.ts";
import { FileCatalog } from "./file-catalog.ts";
import type { FileVault } from "./file-vault.ts";
import { Files } from "./files.ts";
import { HybridSearch } from "./hybrid-search.ts";
import { IngestWorker } from "./ingest-worker.ts";
import { Removals } from "./removals.ts";
import { StoreCatalog } from "./store-catalog.ts";
import { StoreFiles } from "./store-files.ts";
import { VectorStores } from "./vector-stores.ts";

export interface RetrievalParts {
  readonly clock: Clock;
  /** For all that is known of files and stores. Closed with the rest. */
  readonly database: Database;
  readonly vault: FileVault;
  readonly indexes: IndexFiles;
  /** Opened when the first vectors are needed. */
  readonly openVectors: () => Promise<VectorStore>;
  /** Opened when the first file is read. */
  readonly openReader: () => Promise<DocumentReader>;
  readonly settings: () => RetrievalSettings;
  /** Models as a caller may use them; undefined where there is no such caller (any more). */
  readonly callerOf: (caller: string) => RetrievalCaller | undefined;
  /** Files are read here; where not, another process does it. */
  readonly reads: boolean;
  /** Must not throw. */
  readonly onError: (message: string, error: unknown) => void;
}

/** A gateway that is restarted often must look, too. */
const firstSweepMs = 20_000;
const sweepEveryMs = 600_000;

/** Files, vector stores, and all that works behind them. */
export class Retrieval {
  readonly files: Files;
  readonly vectorStores: VectorStores;
  readonly #parts: RetrievalParts;
  readonly #storeFiles: StoreFiles;
  readonly #indexes: ChunkIndexes;
  readonly #worker: IngestWorker | undefined;
  #vectors: Promise<VectorStore> | undefined;
  #reader: Promise<DocumentReader> | undefined;
  #sweep: TimerHandle | undefined;

  constructor(parts: RetrievalParts) {
    this.#parts = parts;
    const { clock, database, vault, settings, onError, callerOf } = parts;
    const catalog = new FileCatalog(database, clock);
    const stores = new StoreCatalog(database, clock);
    const storeFiles = this.#storeFiles = new StoreFiles(database, clock);
    const removals = new Removals(database, clock);
    const indexes = this.#indexes = new ChunkIndexes(parts.indexes, clock);
    const vectors = () => this.#openVectors();
    this.files = new Files({
      clock,
      catalog,
      vault,
      maxBytes: () => settings().max_file_bytes,
      onDelete: (fileId) => this.vectorStores.forgetFile(fileId),
    });
    this.vectorStores = new VectorStores({
      stores,
      storeFiles,
      files: this.files,
      removals,
      indexes,
      search: new HybridSearch({ stores, index: (id) => indexes.get(id), vectors, clock, settings, onError }),
      settings,
      onWork: () => this.#worker?.wake(),
    });
    if (!parts.reads) return;
    const reader = () => this.#openReader();
    this.#worker = new IngestWorker({
      clock,
      files: catalog,
      stores,
      storeFiles,
      removals,
      vault,
      indexes,
      vectors,
      reader,
      settings,
      callerOf,
      onError,
    });
    this.#worker.wake();
    this.#sweepIn(firstSweepMs);
  }

  /** How many files wait to be read. */
  waiting(): number {
    return this.#storeFiles.waiting();
  }

  /** Deletes what has been kept long enough. */
  async expire(): Promise<void> {
    this.vectorStores.expire();
    await this.files.expire();
  }

  async close(): Promise<void> {
    if (this.#sweep !== undefined) this.#parts.clock.clearTimeout(this.#sweep);
    await this.#worker?.close();
    await (await this.#reader?.catch(() => undefined))?.close();
    await (await this.#vectors?.catch(() => undefined))?.close?.();
    this.#indexes.close();
    this.#parts.database.close();
  }

  #openVectors(): Promise<VectorStore> {
    return this.#vectors ??= this.#parts.openVectors().catch((error) => {
      this.#vectors = undefined;
      throw error;
    });
  }

  #openReader(): Promise<DocumentReader> {
    return this.#reader ??= this.#parts.openReader().catch((error) => {
      this.#reader = undefined;
      throw error;
    });
  }

  #sweepIn(delayMs: number): void {
    const { clock, onError } = this.#parts;
    this.#sweep = clock.setTimeout(async () => {
      await this.expire().catch((error) => onError("what has expired cannot be deleted", error));
      this.#sweepIn(sweepEveryMs);
    }, delayMs);
  }
}
