import { ApiError } from "../lib/api-error.ts";
import type { Attributes, RetrievalSettings } from "../schema/retrieval.ts";
import type { IndexedChunk } from "./chunk-index.ts";
import type { ChunkIndexes } from "./chunk-indexes.ts";
import type { RagSearch, RetrievalCaller, SearchOutcome, SearchRequest } from "./contracts.ts";
import type { Files } from "./files.ts";
import type { Removals } from "./removals.ts";
import type { Page, PageRequest } from "./statements.ts";
import type { StoreCatalog, StoreRecord } from "./store-catalog.ts";
import type { BatchRecord, StatusCounts, StoreFileRecord, StoreFiles } from "./store-files.ts";

export interface VectorStoresParts {
  readonly stores: StoreCatalog;
  readonly storeFiles: StoreFiles;
  readonly files: Files;
  readonly removals: Removals;
  readonly indexes: ChunkIndexes;
  readonly search: RagSearch;
  readonly settings: () => Pick<RetrievalSettings, "chunk_tokens" | "chunk_overlap_tokens">;
  /** There may be something to read. */
  readonly onWork: () => void;
}

/** Whose vector stores, and on whose behalf their vectors are made. */
export interface StoreOwner {
  readonly tenant: string;
  /** Id of the principal. */
  readonly caller: string;
}

export interface NewStoreFile {
  readonly fileId: string;
  readonly attributes?: Attributes | undefined;
  /** As the settings say when absent. */
  readonly chunking?: { readonly chunkTokens: number; readonly overlapTokens: number } | undefined;
}

export interface StoreStanding {
  readonly counts: StatusCounts;
  readonly usageBytes: number;
}

/** Most chunks that are read of a store at once. */
const chunksPerRead = 500;

/**
 * Vector stores and the files in them. Everybody may look at and search what is shared, and nobody but its tenant may change it; what
 * another tenant has is as unknown as what never was.
 */
export class VectorStores {
  readonly #parts: VectorStoresParts;

  constructor(parts: VectorStoresParts) {
    this.#parts = parts;
  }

  /** @throws {ApiError} 404 for a file of `fileIds` that is not there. */
  create(
    owner: StoreOwner,
    store: Pick<StoreRecord, "name" | "description" | "metadata" | "expiresAfterDays">,
    files: readonly NewStoreFile[] = [],
  ): StoreRecord {
    for (const { fileId } of files) this.#parts.files.get(owner.tenant, fileId);
    const created = this.#parts.stores.add({ ...store, tenant: owner.tenant });
    for (const file of files) this.#add(created, file, owner.caller);
    if (files.length > 0) this.#parts.onWork();
    return created;
  }

  /** One that may be looked at. @throws {ApiError} 404 */
  get(tenant: string, idOrName: string): StoreRecord {
    const store = this.#parts.stores.visible(idOrName, tenant);
    if (store === undefined) throw storeNotFound(idOrName);
    return store;
  }

  /** Whether there is such a store that may be looked at. */
  knows(tenant: string, idOrName: string): boolean {
    return this.#parts.stores.visible(idOrName, tenant) !== undefined;
  }

  list(tenant: string, page: PageRequest): Page<StoreRecord> {
    return this.#parts.stores.list(tenant, page);
  }

  standing(storeId: string): StoreStanding {
    const { storeFiles } = this.#parts;
    return { counts: storeFiles.counts(storeId), usageBytes: storeFiles.usageBytes(storeId) };
  }

  /** @throws {ApiError} 403, 404 */
  update(
    tenant: string,
    id: string,
    changes: Partial<Pick<StoreRecord, "name" | "description" | "metadata" | "expiresAfterDays">>,
  ): StoreRecord {
    const store = this.#own(tenant, id);
    this.#parts.stores.update(store.id, changes);
    return this.get(tenant, store.id);
  }

  /** @throws {ApiError} 403, 404 */
  delete(tenant: string, id: string): StoreRecord {
    const store = this.#own(tenant, id);
    this.#remove(store.id);
    return store;
  }

  /** Deletes those that nobody has used for as long as was said; gives how many. */
  expire(): number {
    const expired = this.#parts.stores.expired();
    for (const { id } of expired) this.#remove(id);
    return expired.length;
  }

  /** @throws {ApiError} 403, 404 */
  addFile(owner: StoreOwner, storeId: string, file: NewStoreFile): StoreFileRecord {
    const store = this.#own(owner.tenant, storeId);
    this.#parts.files.get(owner.tenant, file.fileId);
    const added = this.#add(store, file, owner.caller);
    this.#parts.onWork();
    return added;
  }

  /** @throws {ApiError} 404 */
  file(tenant: string, storeId: string, fileId: string): StoreFileRecord {
    const found = this.#parts.storeFiles.find(this.get(tenant, storeId).id, fileId);
    if (found === undefined) throw notInStore(fileId);
    return found;
  }

  /** @throws {ApiError} 404 */
  listFiles(
    tenant: string,
    storeId: string,
    page: PageRequest & { readonly status?: string | undefined; readonly batchId?: string | undefined },
  ): Page<StoreFileRecord> {
    return this.#parts.storeFiles.list(this.get(tenant, storeId).id, page);
  }

  /** @throws {ApiError} 403, 404 */
  setAttributes(tenant: string, storeId: string, fileId: string, attributes: Attributes): StoreFileRecord {
    const { id } = this.#own(tenant, storeId);
    this.file(tenant, id, fileId);
    this.#parts.storeFiles.setAttributes(id, fileId, attributes);
    this.#parts.indexes.get(id).setAttributes(fileId, attributes);
    return this.file(tenant, id, fileId);
  }

  /** Takes a file out of a store; the file itself stays. @throws {ApiError} 403, 404 */
  removeFile(tenant: string, storeId: string, fileId: string): void {
    const { id } = this.#own(tenant, storeId);
    this.file(tenant, id, fileId);
    this.#takeOut(id, fileId);
    this.#parts.onWork();
  }

  /** A file is about to go. */
  forgetFile(fileId: string): void {
    for (const storeId of this.#parts.storeFiles.storesOf(fileId)) this.#takeOut(storeId, fileId);
    this.#parts.onWork();
  }

  /** The chunks of a file, as they were cut, some at a time. @throws {ApiError} 404 */
  *chunks(tenant: string, storeId: string, fileId: string): Generator<IndexedChunk> {
    const { id } = this.get(tenant, storeId);
    this.file(tenant, id, fileId);
    for (let from = 0;; from += chunksPerRead) {
      const chunks = this.#parts.indexes.get(id).chunksOf(fileId, from, chunksPerRead);
      yield* chunks;
      if (chunks.length < chunksPerRead) return;
    }
  }

  /** @throws {ApiError} 403, 404 */
  addBatch(owner: StoreOwner, storeId: string, files: readonly NewStoreFile[]): BatchRecord {
    const store = this.#own(owner.tenant, storeId);
    for (const { fileId } of files) this.#parts.files.get(owner.tenant, fileId);
    const batch = this.#parts.storeFiles.addBatch(store.id);
    for (const file of files) this.#add(store, file, owner.caller, batch.id);
    this.#parts.onWork();
    return batch;
  }

  /** @throws {ApiError} 404 */
  batch(
    tenant: string,
    storeId: string,
    id: string,
  ): { readonly batch: BatchRecord; readonly counts: StatusCounts } {
    const { storeFiles } = this.#parts;
    const store = this.get(tenant, storeId);
    const batch = storeFiles.batch(store.id, id);
    if (batch !== undefined) return { batch, counts: storeFiles.counts(store.id, id) };
    throw new ApiError({
      status: 404,
      code: "batch_not_found",
      param: "batch_id",
      message: `The vector store has no file batch '${id.slice(0, 128)}'.`,
    });
  }

  /** What of it is still to be read is not. @throws {ApiError} 403, 404 */
  cancelBatch(tenant: string, storeId: string, id: string): void {
    const { id: own } = this.#own(tenant, storeId);
    this.batch(tenant, own, id);
    this.#parts.storeFiles.cancelBatch(own, id);
  }

  /**
   * Has all vectors of a store made anew.
   *
   * @param model by what; without vectors when undefined.
   * @returns how many files that are.
   * @throws {ApiError} 403, 404
   */
  reembed(owner: StoreOwner, storeId: string, model: string | undefined): number {
    const { stores, storeFiles, onWork } = this.#parts;
    const store = this.#own(owner.tenant, storeId);
    stores.setEmbedding(store.id, model, undefined);
    const files = storeFiles.readAgain(store.id, owner.caller);
    onWork();
    return files;
  }

  /** @throws {ApiError} 404 for a store that the caller cannot see; 409 for one whose vectors no longer fit its model. */
  search(request: SearchRequest, caller: RetrievalCaller, signal: AbortSignal): Promise<SearchOutcome> {
    return this.#parts.search.search(request, caller, signal);
  }

  /** @throws {ApiError} 403 for what is shared, 404 */
  #own(tenant: string, idOrName: string): StoreRecord {
    const store = this.get(tenant, idOrName);
    if (store.tenant === tenant) return store;
    throw new ApiError({
      status: 403,
      code: "permission_denied",
      message: "This vector store is shared: it can be searched, and only its operator can change it.",
    });
  }

  #add(
    store: StoreRecord,
    { fileId, attributes = {}, chunking }: NewStoreFile,
    caller: string,
    batchId?: string,
  ): StoreFileRecord {
    const { chunk_tokens: chunkTokens, chunk_overlap_tokens: overlapTokens } = this.#parts.settings();
    return this.#parts.storeFiles.add({
      storeId: store.id,
      fileId,
      attributes,
      batchId,
      caller,
      ...chunking ?? { chunkTokens, overlapTokens },
    });
  }

  #takeOut(storeId: string, fileId: string): void {
    const { storeFiles, indexes, removals } = this.#parts;
    // In this order a crash in between leaves nothing that is found and nobody knows of.
    removals.add({ storeId, fileId });
    indexes.get(storeId).remove(fileId);
    storeFiles.remove(storeId, fileId);
  }

  #remove(storeId: string): void {
    const { stores, storeFiles, indexes, removals, onWork } = this.#parts;
    removals.add({ storeId, fileId: undefined });
    storeFiles.removeStore(storeId);
    stores.delete(storeId);
    indexes.remove(storeId);
    onWork();
  }
}

export function storeNotFound(id: string): ApiError {
  return new ApiError({
    status: 404,
    code: "vector_store_not_found",
    param: "vector_store_id",
    message: `There is no vector store '${id.slice(0, 128)}'.`,
  });
}

function notInStore(id: string): ApiError {
  return new ApiError({
    status: 404,
    code: "file_not_found",
    param: "file_id",
    message: `The vector store has no file '${id.slice(0, 128)}'.`,
  });
}
