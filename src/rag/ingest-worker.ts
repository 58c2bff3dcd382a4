import type { Clock, TimerHandle } from "../lib/clock.ts";
import type { VectorStore } from "../plugin/api/vector-store.ts";
import type { RetrievalSettings } from "../schema/retrieval.ts";
import type { ChunkIndexes } from "./chunk-indexes.ts";
import type { RetrievalCaller } from "./contracts.ts";
import type { DocumentReader } from "./document-reader.ts";
import { embedChunks } from "./embed-chunks.ts";
import type { FileCatalog } from "./file-catalog.ts";
import type { FileVault } from "./file-vault.ts";
import { IngestError, whyItFailed } from "./ingest-error.ts";
import type { Removals } from "./removals.ts";
import type { StoreCatalog } from "./store-catalog.ts";
import type { StoreFileRecord, StoreFiles } from "./store-files.ts";

export interface IngestParts {
  readonly clock: Clock;
  readonly files: FileCatalog;
  readonly stores: StoreCatalog;
  readonly storeFiles: StoreFiles;
  readonly removals: Removals;
  readonly vault: FileVault;
  readonly indexes: ChunkIndexes;
  /** Opened when the first vectors are needed. */
  readonly vectors: () => Promise<VectorStore>;
  /** Opened when the first file is read. */
  readonly reader: () => Promise<DocumentReader>;
  readonly settings: () => RetrievalSettings;
  /** Models as a caller may use them; undefined where there is no such caller (any more). */
  readonly callerOf: (caller: string) => RetrievalCaller | undefined;
  /** Told of what went wrong; must not throw. */
  readonly onError: (message: string, error: unknown) => void;
}

/** Between two looks for work that another process has left, in milliseconds. */
const longestSleepMs = 5_000;
const firstRetryMs = 1_000;
const longestRetryMs = 600_000;
/** Between two signs of life of a file that is read. */
const signOfLifeMs = 3_000;

/** Reads the files of vector stores, in the background, several at a time. */
export class IngestWorker {
  readonly #parts: IngestParts;
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #timer: TimerHandle | undefined;
  #removing: Promise<void> | undefined;

  constructor(parts: IngestParts) {
    this.#parts = parts;
  }

  /** There may be something to do. */
  wake(): void {
    if (this.#stop.signal.aborted) return;
    const { clock } = this.#parts;
    if (this.#timer !== undefined) clock.clearTimeout(this.#timer);
    this.#timer = clock.setTimeout(() => this.#work(), this.#waitMs());
  }

  /** What is under way is given up, and done by whoever comes next. */
  async close(): Promise<void> {
    this.#stop.abort(new DOMException("The gateway is shutting down.", "AbortError"));
    if (this.#timer !== undefined) this.#parts.clock.clearTimeout(this.#timer);
    await Promise.all([...this.#running, this.#removing]);
  }

  #waitMs(): number {
    const { storeFiles, removals, settings, onError } = this.#parts;
    try {
      const isFree = this.#running.size < settings().ingest_concurrency;
      return Math.min(
        isFree ? storeFiles.waitMs() ?? longestSleepMs : longestSleepMs,
        this.#removing === undefined ? removals.waitMs() ?? longestSleepMs : longestSleepMs,
        longestSleepMs,
      );
    } catch (error) {
      onError("the files that wait cannot be looked at", error);
      return longestSleepMs;
    }
  }

  #work(): void {
    try {
      this.#removing ??= this.#removeVectors().catch((error) =>
        this.#parts.onError("the vectors that are to be deleted cannot be looked at", error)
      ).finally(() => {
        this.#removing = undefined;
        this.wake();
      });
      while (this.#running.size < this.#parts.settings().ingest_concurrency) {
        const job = this.#parts.storeFiles.take();
        if (job === undefined) break;
        const run: Promise<void> = this.#do(job).finally(() => {
          this.#running.delete(run);
          this.wake();
        });
        this.#running.add(run);
      }
    } catch (error) {
      this.#parts.onError("the files that wait cannot be looked at", error);
    }
    this.wake();
  }

  async #do(job: StoreFileRecord): Promise<void> {
    const { storeFiles, onError, settings } = this.#parts;
    try {
      await this.#ingest(job);
    } catch (error) {
      try {
        if (this.#stop.signal.aborted) return storeFiles.release(job);
        const { code, message, mayRetry } = whyItFailed(error);
        if (mayRetry && job.attempts < settings().retries) {
          storeFiles.retry(job, Math.min(longestRetryMs, firstRetryMs * 2 ** job.attempts));
          return onError("a file could not be added to a vector store, and will be tried again", error);
        }
        storeFiles.fail(job, code, message);
        if (code === "server_error") onError("a file could not be added to a vector store", error);
      } catch (further) {
        onError("what became of a file cannot be written down", further);
      }
    }
  }

  /** Vectors first, then the chunks all at once: a file is found whole or not at all, whenever the process ends. */
  async #ingest(job: StoreFileRecord): Promise<void> {
    const { files, stores, storeFiles, removals, indexes, settings } = this.#parts;
    const store = stores.find(job.storeId);
    const file = files.find(job.fileId);
    if (store === undefined || file === undefined) return void storeFiles.remove(job.storeId, job.fileId);
    const life = new SignsOfLife(
      this.#parts.clock,
      this.#stop.signal,
      (chunks, done) => storeFiles.extend(job, chunks, done),
    );
    life.tell(job.chunks, job.chunksDone);
    try {
      const chunks = await this.#read(job, file, life.signal);
      const model = this.#modelOf(job.storeId, store.embeddingModel);
      let vectorBytes = 0;
      if (model !== undefined) {
        const caller = this.#parts.callerOf(job.caller);
        if (caller === undefined) {
          throw new IngestError(
            "server_error",
            "whoever added the file is not known any more, so nobody pays for its vectors",
          );
        }
        const vectors = await this.#parts.vectors();
        // Of an earlier reading there may be more than of this one.
        const done = job.chunks === chunks.length ? job.chunksDone : 0;
        if (done === 0) await vectors.delete(job.storeId, { where: { file: job.fileId } });
        removals.done({ storeId: job.storeId, fileId: job.fileId });
        vectorBytes = await embedChunks({
          job,
          model,
          chunks,
          done,
          caller,
          vectors,
          stores,
          settings: settings(),
          life,
        });
      }
      const put = await indexes.get(job.storeId).stage(
        { id: file.id, filename: file.filename, attributes: job.attributes },
        chunks,
      );
      // Asked anew and in one breath with what follows: a store that has gone must not get an index again.
      life.tell(chunks.length, chunks.length);
      life.check();
      put();
      const textBytes = chunks.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
      if (!storeFiles.finish(job, chunks.length, textBytes + vectorBytes)) this.#undo(job);
      // They may have been changed while it was read.
      const now = storeFiles.find(job.storeId, job.fileId);
      if (now !== undefined) indexes.get(job.storeId).setAttributes(job.fileId, now.attributes);
    } catch (error) {
      if (life.isUnwanted) return this.#undo(job);
      throw error;
    } finally {
      life.end();
    }
  }

  async #read(
    job: StoreFileRecord,
    file: {
      readonly id: string;
      readonly filename: string;
      readonly bytes: number;
      readonly contentType: string | undefined;
    },
    signal: AbortSignal,
  ) {
    const { vault, reader, settings } = this.#parts;
    const { max_document_bytes: most } = settings();
    if (file.bytes > most) {
      throw new IngestError(
        "invalid_file",
        `the file has ${file.bytes} bytes; files of vector stores may have ${most}`,
      );
    }
    const bytes = await vault.read(file.id);
    const documents = await reader();
    return await documents.read(
      {
        bytes,
        filename: file.filename,
        ...(file.contentType === undefined ? {} : { contentType: file.contentType }),
      },
      { maxTokens: job.chunkTokens, overlapTokens: job.overlapTokens },
      signal,
    );
  }

  /** A store gets its model with its first file; one that has files without vectors goes on without. */
  #modelOf(storeId: string, known: string | undefined): string | undefined {
    if (known !== undefined) return known;
    const { settings, indexes, stores } = this.#parts;
    const { embedding_model: model } = settings();
    if (model === undefined || !indexes.get(storeId).isEmpty()) return undefined;
    stores.setEmbedding(storeId, model, undefined);
    return model;
  }

  /** The file has been taken out, or is to be read anew. */
  #undo({ storeId, fileId }: StoreFileRecord): void {
    const { storeFiles, stores, indexes, removals } = this.#parts;
    if (stores.find(storeId) === undefined || storeFiles.find(storeId, fileId)?.status === "in_progress") {
      return;
    }
    indexes.get(storeId).remove(fileId);
    removals.add({ storeId, fileId });
  }

  async #removeVectors(): Promise<void> {
    const { removals, storeFiles, indexes, vectors, onError } = this.#parts;
    while (!this.#stop.signal.aborted) {
      const removal = removals.next();
      if (removal === undefined) return;
      const { storeId, fileId } = removal;
      try {
        if (fileId === undefined) indexes.remove(storeId);
        // One that has been added again has its old vectors taken away before it gets new ones.
        const isBack = fileId !== undefined && storeFiles.find(storeId, fileId) !== undefined;
        if (!isBack) {
          const engine = await vectors();
          await (fileId === undefined
            ? engine.delete(storeId)
            : engine.delete(storeId, { where: { file: fileId } }));
        }
        removals.done(removal);
      } catch (error) {
        removals.retry(removal, Math.min(longestRetryMs, firstRetryMs * 2 ** Math.min(20, removal.attempts)));
        onError("vectors could not be deleted, and will be tried again", error);
      }
    }
  }
}

/** Tells of a file that somebody is still at work on it, and hears when it is not wanted any more. */
export class SignsOfLife {
  readonly signal: AbortSignal;
  readonly #clock: Clock;
  readonly #unwanted = new AbortController();
  readonly #extend: (chunks: number, done: number) => boolean;
  #timer: TimerHandle | undefined;
  #chunks = 0;
  #done = 0;

  constructor(clock: Clock, stop: AbortSignal, extend: (chunks: number, done: number) => boolean) {
    this.#clock = clock;
    this.#extend = extend;
    this.signal = AbortSignal.any([stop, this.#unwanted.signal]);
    this.#wait();
  }

  get isUnwanted(): boolean {
    return this.#unwanted.signal.aborted;
  }

  /** How far the work has come. */
  tell(chunks: number, done: number): void {
    [this.#chunks, this.#done] = [chunks, done];
    if (!this.#extend(chunks, done)) this.#unwanted.abort(new Error("the file is not wanted any more"));
  }

  /** @throws when the work is for nothing. */
  check(): void {
    this.signal.throwIfAborted();
  }

  end(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
  }

  #wait(): void {
    this.#timer = this.#clock.setTimeout(() => {
      this.tell(this.#chunks, this.#done);
      this.#wait();
    }, signOfLifeMs);
  }
}
