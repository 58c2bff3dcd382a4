import { z } from "zod";
import type { NewStoreFile, StoreOwner, VectorStores } from "../../rag/vector-stores.ts";
import { batchView, storeFileView } from "../../rag/views.ts";
import {
  addFileBatchSchema,
  addStoreFileSchema,
  type chunkingStrategySchema,
  deletedSchema,
  fileBatchSchema,
  fileContentPageSchema,
  storeFileSchema,
  updateStoreFileSchema,
} from "../../schema/retrieval.ts";
import type { Exchange } from "../exchange.ts";
import { jsonResponse } from "../json-response.ts";
import { listPage, listQuerySchema, listSchema, readListQuery } from "../list-page.ts";
import { readFields } from "../read-fields.ts";
import type { Route } from "../route.ts";
import { validate } from "../validate.ts";

const statusSchema = z.enum(["in_progress", "completed", "failed", "cancelled"]);
const filesQuerySchema = listQuerySchema(100, 20).extend({
  filter: statusSchema.optional().describe("Only files with this status."),
});

const about = { permission: "inference", tag: "Vector stores" } as const;

/** The files of vector stores, one by one and many at once. */
export const vectorStoreFileRoutes: readonly Route[] = [
  {
    ...about,
    method: "POST",
    path: "/v1/vector_stores/:id/files",
    summary: "Adds a file to a vector store; it is read in the background.",
    requestSchema: addStoreFileSchema,
    responseSchema: storeFileSchema,
    async handle(exchange) {
      const file = newFile(await readFields(exchange, addStoreFileSchema));
      const added = storesOf(exchange).addFile(ownerOf(exchange), exchange.parameter("id"), file);
      return jsonResponse(storeFileView(added), exchange.requestId);
    },
  },
  {
    ...about,
    method: "GET",
    path: "/v1/vector_stores/:id/files",
    summary: "The files of a vector store.",
    querySchema: filesQuerySchema,
    responseSchema: listSchema(storeFileSchema),
    handle: (exchange) => files(exchange),
  },
  {
    ...about,
    method: "GET",
    path: "/v1/vector_stores/:id/files/:file",
    summary: "A file of a vector store.",
    responseSchema: storeFileSchema,
    handle: (exchange) => progress(exchange, storeFileView(storesOf(exchange).file(...placeOf(exchange)))),
  },
  {
    ...about,
    method: "POST",
    path: "/v1/vector_stores/:id/files/:file",
    summary: "Gives a file of a vector store other attributes.",
    requestSchema: updateStoreFileSchema,
    responseSchema: storeFileSchema,
    async handle(exchange) {
      const { attributes } = await readFields(exchange, updateStoreFileSchema);
      const changed = storesOf(exchange).setAttributes(...placeOf(exchange), attributes ?? {});
      return jsonResponse(storeFileView(changed), exchange.requestId);
    },
  },
  {
    ...about,
    method: "DELETE",
    path: "/v1/vector_stores/:id/files/:file",
    summary: "Takes a file out of a vector store; the file itself stays.",
    responseSchema: deletedSchema,
    handle(exchange) {
      storesOf(exchange).removeFile(...placeOf(exchange));
      const body = { id: exchange.parameter("file"), object: "vector_store.file.deleted", deleted: true };
      return jsonResponse(body, exchange.requestId);
    },
  },
  {
    ...about,
    method: "GET",
    path: "/v1/vector_stores/:id/files/:file/content",
    summary: "The text of a file, in the chunks that it was cut into.",
    responseSchema: fileContentPageSchema,
    handle(exchange) {
      const chunks = [...storesOf(exchange).chunks(...placeOf(exchange))];
      return jsonResponse({
        object: "vector_store.file_content.page",
        data: chunks.map(({ text }) => ({ type: "text", text })),
        has_more: false,
        next_page: null,
      }, exchange.requestId);
    },
  },
  {
    ...about,
    method: "POST",
    path: "/v1/vector_stores/:id/file_batches",
    summary: "Adds many files to a vector store.",
    requestSchema: addFileBatchSchema,
    responseSchema: fileBatchSchema,
    async handle(exchange) {
      const { file_ids: ids, files, ...common } = await readFields(exchange, addFileBatchSchema);
      const entries = files ?? (ids ?? []).map((id) => ({ ...common, file_id: id }));
      const store = exchange.parameter("id");
      const { id } = storesOf(exchange).addBatch(ownerOf(exchange), store, entries.map(newFile));
      return batch(exchange, id);
    },
  },
  {
    ...about,
    method: "GET",
    path: "/v1/vector_stores/:id/file_batches/:batch",
    summary: "How far a batch of files has come.",
    responseSchema: fileBatchSchema,
    handle: (exchange) => batch(exchange, exchange.parameter("batch")),
  },
  {
    ...about,
    method: "POST",
    path: "/v1/vector_stores/:id/file_batches/:batch/cancel",
    summary: "Gives up what of a batch has not been read yet.",
    responseSchema: fileBatchSchema,
    handle(exchange) {
      const id = exchange.parameter("batch");
      storesOf(exchange).cancelBatch(exchange.principal.tenant, exchange.parameter("id"), id);
      return batch(exchange, id);
    },
  },
  {
    ...about,
    method: "GET",
    path: "/v1/vector_stores/:id/file_batches/:batch/files",
    summary: "The files of a batch.",
    querySchema: filesQuerySchema,
    responseSchema: listSchema(storeFileSchema),
    handle(exchange) {
      const id = exchange.parameter("batch");
      storesOf(exchange).batch(exchange.principal.tenant, exchange.parameter("id"), id);
      return files(exchange, id);
    },
  },
];

/** @returns undefined where the settings say it. */
export function chunkingOf(
  strategy: z.infer<typeof chunkingStrategySchema> | null | undefined,
): NewStoreFile["chunking"] {
  if (strategy?.type !== "static") return undefined;
  const { max_chunk_size_tokens: chunkTokens, chunk_overlap_tokens: overlapTokens } = strategy.static;
  return { chunkTokens, overlapTokens };
}

function newFile(
  { file_id: fileId, attributes, chunking_strategy: strategy }: z.infer<typeof addStoreFileSchema>,
): NewStoreFile {
  return { fileId, attributes: attributes ?? {}, chunking: chunkingOf(strategy) };
}

function files(exchange: Exchange, batchId?: string): Response {
  const { query, principal, parameter, requestId } = exchange;
  const filter = query("filter");
  const { items, hasMore } = storesOf(exchange).listFiles(principal.tenant, parameter("id"), {
    ...readListQuery(exchange),
    status: filter === undefined ? undefined : validate(statusSchema, filter),
    batchId,
  });
  return jsonResponse(listPage(items.map(storeFileView), hasMore), requestId);
}

function batch(exchange: Exchange, id: string): Response {
  const { batch, counts } = storesOf(exchange).batch(exchange.principal.tenant, exchange.parameter("id"), id);
  return progress(exchange, batchView(batch, counts));
}

/** OpenAI's clients ask again after as many milliseconds as they are told, and after five seconds where they are told nothing. */
function progress({ requestId }: Exchange, view: { readonly status: string }): Response {
  return jsonResponse(
    view,
    requestId,
    view.status === "in_progress" ? { "openai-poll-after-ms": "250" } : {},
  );
}

function placeOf({ principal, parameter }: Exchange): [tenant: string, store: string, file: string] {
  return [principal.tenant, parameter("id"), parameter("file")];
}

export function storesOf({ services }: Exchange): VectorStores {
  return services.retrieval.open().vectorStores;
}

export function ownerOf({ principal }: Exchange): StoreOwner {
  return { tenant: principal.tenant, caller: principal.id };
}
