/** Files and vector stores as OpenAI's clients know them. */
import type {
  FileBatchObject,
  FileObject,
  SearchResultObject,
  StoreFileObject,
  VectorStoreObject,
} from "../schema/retrieval.ts";
import type { SearchResult } from "./contracts.ts";
import type { FileRecord } from "./file-catalog.ts";
import type { StoreRecord } from "./store-catalog.ts";
import type { BatchRecord, StatusCounts, StoreFileRecord } from "./store-files.ts";
import type { StoreStanding } from "./vector-stores.ts";

const dayMs = 86_400_000;

export function fileView({ id, bytes, createdAt, expiresAt, filename, purpose }: FileRecord): FileObject {
  return {
    id,
    object: "file",
    bytes,
    created_at: secondsOf(createdAt),
    expires_at: expiresAt === undefined ? null : secondsOf(expiresAt),
    filename,
    purpose,
    status: "processed",
  };
}

export function storeView(store: StoreRecord, { counts, usageBytes }: StoreStanding): VectorStoreObject {
  const { expiresAfterDays: days, lastActiveAt } = store;
  return {
    id: store.id,
    object: "vector_store",
    created_at: secondsOf(store.createdAt),
    name: store.name,
    description: store.description ?? null,
    usage_bytes: usageBytes,
    file_counts: counts,
    status: counts.in_progress > 0 ? "in_progress" : "completed",
    expires_after: days === undefined ? null : { anchor: "last_active_at", days },
    expires_at: days === undefined ? null : secondsOf(lastActiveAt + days * dayMs),
    last_active_at: secondsOf(lastActiveAt),
    metadata: store.metadata,
    embedding_model: store.embeddingModel ?? null,
  };
}

export function storeFileView(file: StoreFileRecord): StoreFileObject {
  const { errorCode, errorMessage } = file;
  return {
    id: file.fileId,
    object: "vector_store.file",
    created_at: secondsOf(file.createdAt),
    usage_bytes: file.usageBytes,
    vector_store_id: file.storeId,
    status: file.status,
    last_error: errorCode === undefined ? null : { code: errorCode, message: errorMessage ?? "" },
    attributes: file.attributes,
    chunking_strategy: {
      type: "static",
      static: { max_chunk_size_tokens: file.chunkTokens, chunk_overlap_tokens: file.overlapTokens },
    },
    progress: { chunks: file.chunks, done: file.chunksDone },
  };
}

export function batchView({ id, createdAt, storeId }: BatchRecord, counts: StatusCounts): FileBatchObject {
  const status = counts.in_progress > 0
    ? "in_progress"
    : counts.cancelled > 0
    ? "cancelled"
    : counts.failed > 0 && counts.failed === counts.total
    ? "failed"
    : "completed";
  return {
    id,
    object: "vector_store.files_batch",
    created_at: secondsOf(createdAt),
    vector_store_id: storeId,
    status,
    file_counts: counts,
  };
}

export function resultView({ fileId, filename, score, attributes, text }: SearchResult): SearchResultObject {
  return { file_id: fileId, filename, score, attributes, content: [{ type: "text", text }] };
}

function secondsOf(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}
