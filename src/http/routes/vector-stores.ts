import type { VectorStores } from "../../rag/vector-stores.ts";
import { resultView, storeView } from "../../rag/views.ts";
import type { StoreRecord } from "../../rag/store-catalog.ts";
import {
  createVectorStoreSchema,
  deletedSchema,
  searchPageSchema,
  updateVectorStoreSchema,
  vectorStoreSchema,
  vectorStoreSearchSchema,
} from "../../schema/retrieval.ts";
import { jsonResponse } from "../json-response.ts";
import { listPage, listQuerySchema, listSchema, readListQuery } from "../list-page.ts";
import { readFields } from "../read-fields.ts";
import type { Route } from "../route.ts";
import { chunkingOf, ownerOf, storesOf } from "./vector-store-files.ts";

const about = { permission: "inference", tag: "Vector stores" } as const;

/** OpenAI's Vector Stores API. What another tenant has is as unknown as what never was. */
export const vectorStoreRoutes: readonly Route[] = [
  {
    ...about,
    method: "POST",
    path: "/v1/vector_stores",
    summary: "Makes a vector store.",
    requestSchema: createVectorStoreSchema,
    responseSchema: vectorStoreSchema,
    async handle(exchange) {
      const body = await readFields(exchange, createVectorStoreSchema);
      const chunking = chunkingOf(body.chunking_strategy);
      const stores = storesOf(exchange);
      const store = stores.create(
        ownerOf(exchange),
        {
          name: body.name ?? "",
          description: body.description ?? undefined,
          metadata: body.metadata ?? {},
          expiresAfterDays: body.expires_after?.days,
        },
        (body.file_ids ?? []).map((fileId) => ({ fileId, chunking })),
      );
      return jsonResponse(view(stores, store), exchange.requestId);
    },
  },
  {
    ...about,
    method: "GET",
    path: "/v1/vector_stores",
    summary: "The vector stores of the caller's tenant, and those that are shared.",
    querySchema: listQuerySchema(100, 20),
    responseSchema: listSchema(vectorStoreSchema),
    handle(exchange) {
      const stores = storesOf(exchange);
      const { items, hasMore } = stores.list(exchange.principal.tenant, readListQuery(exchange));
      return jsonResponse(listPage(items.map((store) => view(stores, store)), hasMore), exchange.requestId);
    },
  },
  {
    ...about,
    method: "GET",
    path: "/v1/vector_stores/:id",
    summary: "A vector store.",
    responseSchema: vectorStoreSchema,
    handle(exchange) {
      const stores = storesOf(exchange);
      const store = stores.get(exchange.principal.tenant, exchange.parameter("id"));
      return jsonResponse(view(stores, store), exchange.requestId);
    },
  },
  {
    ...about,
    method: "POST",
    path: "/v1/vector_stores/:id",
    summary: "Changes what is said of a vector store.",
    requestSchema: updateVectorStoreSchema,
    responseSchema: vectorStoreSchema,
    async handle(exchange) {
      const { name, description, metadata, expires_after: expires } = await readFields(
        exchange,
        updateVectorStoreSchema,
      );
      const stores = storesOf(exchange);
      const store = stores.update(exchange.principal.tenant, exchange.parameter("id"), {
        ...(typeof name === "string" ? { name } : {}),
        ...(description === undefined ? {} : { description: description ?? undefined }),
        ...(metadata === undefined ? {} : { metadata: metadata ?? {} }),
        ...(expires === undefined ? {} : { expiresAfterDays: expires?.days }),
      });
      return jsonResponse(view(stores, store), exchange.requestId);
    },
  },
  {
    ...about,
    method: "DELETE",
    path: "/v1/vector_stores/:id",
    summary: "Deletes a vector store; its files stay.",
    responseSchema: deletedSchema,
    handle(exchange) {
      const { id } = storesOf(exchange).delete(exchange.principal.tenant, exchange.parameter("id"));
      return jsonResponse({ id, object: "vector_store.deleted", deleted: true }, exchange.requestId);
    },
  },
  {
    ...about,
    method: "POST",
    path: "/v1/vector_stores/:id/search",
    summary: "Searches a vector store: by words, and by vectors where it has them.",
    requestSchema: vectorStoreSearchSchema,
    responseSchema: searchPageSchema,
    async handle(exchange) {
      const { request, services, principal, requestId, decisionId } = exchange;
      const body = await readFields(exchange, vectorStoreSearchSchema);
      const queries = typeof body.query === "string" ? [body.query] : body.query;
      const ranking = body.ranking_options ?? {};
      const weights = ranking.hybrid_search;
      const { results } = await services.retrieval.search(
        {
          vectorStores: [exchange.parameter("id")],
          queries,
          maxResults: body.max_num_results,
          filters: body.filters ?? undefined,
          scoreThreshold: ranking.score_threshold,
          weights: weights && { embedding: weights.embedding_weight, text: weights.text_weight },
          rerank: ranking.ranker !== "none",
        },
        { principal, requestId, decisionId, depth: 0 },
        request.signal,
      );
      const page = {
        object: "vector_store.search_results.page",
        search_query: queries,
        data: results.map(resultView),
        has_more: false,
        next_page: null,
      };
      return jsonResponse(page, requestId);
    },
  },
];

function view(stores: VectorStores, store: StoreRecord) {
  return storeView(store, stores.standing(store.id));
}
