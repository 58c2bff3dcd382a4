import { ApiError } from "../lib/api-error.ts";
import type { Clock } from "../lib/clock.ts";
import type { VectorStore } from "../plugin/api/vector-store.ts";
import { passes } from "./attribute-filter.ts";
import type { ChunkIndex, ChunkPlace, IndexedChunk } from "./chunk-index.ts";
import type { RagSearch, RetrievalCaller, SearchOutcome, SearchRequest, SearchResult } from "./contracts.ts";
import { fuseRankings, type Ranking } from "./fuse.ts";
import type { StoreCatalog, StoreRecord } from "./store-catalog.ts";

export interface SearchParts {
  readonly stores: StoreCatalog;
  /** The chunks of a store; opened when they are first asked for. */
  index(storeId: string): ChunkIndex;
  /** Opened when the first vectors are needed. */
  vectors(): Promise<VectorStore>;
  readonly clock: Clock;
  readonly settings: () => {
    readonly search_timeout_ms: number;
    readonly rerank_model?: string | undefined;
    readonly rerank_results: number;
    readonly rerank_timeout_ms: number;
  };
  /** Told of what went wrong where a search went on without it. */
  readonly onError: (message: string, error: unknown) => void;
}

/** How many each of the two searches brings, for as many as are asked for: what one puts low the other may put high. */
const depthOf = (limit: number) => Math.max(50, limit * 4);

/** A chunk's place in words, as both searches know it. */
export function recordId({ fileId, position }: ChunkPlace): string {
  return `${fileId}:${position}`;
}

function placeOf(id: string): ChunkPlace {
  const colon = id.lastIndexOf(":");
  return { fileId: id.slice(0, colon), position: Number(id.slice(colon + 1)) };
}

/** Searches by words and by vectors, and joins what both find. What one cannot do is left to the other. */
export class HybridSearch implements RagSearch {
  readonly #parts: SearchParts;

  constructor(parts: SearchParts) {
    this.#parts = parts;
  }

  async search(request: SearchRequest, caller: RetrievalCaller, signal: AbortSignal): Promise<SearchOutcome> {
    const stores = request.vectorStores.map((name) => this.#store(name, caller.tenant));
    const degraded = new Set<string>();
    const embedded = new Map<string, Promise<readonly Float32Array[] | undefined>>();
    const vectorsOf = (model: string) => {
      const known = embedded.get(model) ?? this.#embed(model, request.queries, caller, signal, degraded);
      embedded.set(model, known);
      return known;
    };
    const found = await Promise.all(
      stores.map((store) => this.#searchStore(store, request, vectorsOf, signal, degraded)),
    );
    const best = found.flat().sort((one, other) => other.score - one.score);
    const ordered = await this.#rerank(best, request, caller, signal, degraded);
    const threshold = request.scoreThreshold ?? 0;
    const results = ordered.filter(({ score }) => score >= threshold).slice(0, request.maxResults);
    return { results, degraded: [...degraded] };
  }

  #store(name: string, tenant: string): StoreRecord {
    const store = this.#parts.stores.visible(name, tenant);
    if (store !== undefined) return store;
    throw new ApiError({
      status: 404,
      code: "vector_store_not_found",
      param: "vector_store_id",
      message: `There is no vector store "${name.slice(0, 128)}".`,
    });
  }

  async #searchStore(
    store: StoreRecord,
    request: SearchRequest,
    vectorsOf: (model: string) => Promise<readonly Float32Array[] | undefined>,
    signal: AbortSignal,
    degraded: Set<string>,
  ): Promise<SearchResult[]> {
    this.#parts.stores.touch(store.id);
    const index = this.#parts.index(store.id);
    const { filters, weights = { embedding: 1, text: 1 } } = request;
    const within = filters === undefined
      ? undefined
      : index.files().filter(({ attributes }) => passes(filters, attributes)).map(({ id }) => id);
    if (within?.length === 0) return [];
    const depth = depthOf(request.maxResults);
    const rankings: Ranking[] = [];
    if (store.embeddingModel !== undefined && weights.embedding > 0) {
      const vectors = await vectorsOf(store.embeddingModel);
      for (const vector of vectors ?? []) {
        const keys = await this.#byVectors(store, index, vector, depth, within, signal, degraded);
        if (keys !== undefined) rankings.push({ keys, weight: weights.embedding });
      }
    }
    // Where there are no vectors after all, words are all that there is.
    const textWeight = rankings.length === 0 ? 1 : weights.text;
    if (textWeight > 0) {
      for (const query of request.queries) {
        const keys = index.byWords(query, depth, within).map(({ number }) => number);
        rankings.push({ keys, weight: textWeight });
      }
    }
    return fuseRankings(rankings).slice(0, depth).flatMap(({ key, score }) => {
      const chunk = index.chunk(key);
      return chunk === undefined ? [] : [resultOf(store, chunk, score)];
    });
  }

  /** @returns undefined when the vectors could not be compared. */
  async #byVectors(
    { id, embeddingModel, dimensions }: StoreRecord,
    index: ChunkIndex,
    values: Float32Array,
    limit: number,
    within: readonly string[] | undefined,
    signal: AbortSignal,
    degraded: Set<string>,
  ): Promise<number[] | undefined> {
    if (dimensions !== undefined && values.length !== dimensions) {
      throw new ApiError({
        status: 409,
        code: "embedding_changed",
        message:
          `The model ${embeddingModel} now gives vectors of ${values.length} numbers; those of this vector store have ${dimensions}. Its administrator must have them made anew: intellirouter rag reembed ${id}`,
      });
    }
    try {
      const vectors = await this.#parts.vectors();
      const matches = await this.#bounded(
        vectors.query(id, {
          vector: { space: embeddingModel!, values },
          limit,
          ...(within === undefined ? {} : { where: { file: within } }),
        }),
        signal,
      );
      const places = matches.map((match) => placeOf(match.id));
      return index.numbersOf(places).map(({ number }) => number);
    } catch (error) {
      if (signal.aborted) throw error;
      degraded.add("the vectors could not be compared");
      this.#parts.onError("vectors could not be compared; the search goes on by words alone", error);
      return undefined;
    }
  }

  async #embed(
    model: string,
    queries: readonly string[],
    { embedder }: RetrievalCaller,
    signal: AbortSignal,
    degraded: Set<string>,
  ): Promise<readonly Float32Array[] | undefined> {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(this.#parts.settings().search_timeout_ms)]);
    try {
      return await embedder.embed(model, queries, limit);
    } catch (error) {
      // What the caller may not do, or pay, is the caller's to know.
      if (signal.aborted || isTheCallers(error)) throw error;
      degraded.add("the query could not be embedded");
      this.#parts.onError("a query could not be embedded; the search goes on by words alone", error);
      return undefined;
    }
  }

  async #rerank(
    best: readonly SearchResult[],
    { queries, rerank }: SearchRequest,
    { reranker }: RetrievalCaller,
    signal: AbortSignal,
    degraded: Set<string>,
  ): Promise<readonly SearchResult[]> {
    const { rerank_model: model, rerank_results: most, rerank_timeout_ms: longest } = this.#parts.settings();
    if (model === undefined || rerank === false || best.length < 2) return best;
    const shown = best.slice(0, most);
    try {
      const order = await reranker.rank(
        model,
        queries.join("\n"),
        shown.map(({ text }) => text),
        AbortSignal.any([signal, AbortSignal.timeout(longest)]),
      );
      const named = [...new Set(order)].flatMap((place) => shown[place] ?? []);
      const others = shown.filter((result) => !named.includes(result));
      // Scores say how well a result fits: after another order they are given out in that order.
      const scores = shown.map(({ score }) => score);
      return [
        ...[...named, ...others].map((result, place) => ({ ...result, score: scores[place]! })),
        ...best.slice(most),
      ];
    } catch (error) {
      if (signal.aborted || isTheCallers(error)) throw error;
      degraded.add("the results could not be put in order by the rerank model");
      this.#parts.onError("results could not be reranked", error);
      return best;
    }
  }

  async #bounded<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
    const { clock, settings } = this.#parts;
    const limit = settings().search_timeout_ms;
    let timer: ReturnType<Clock["setTimeout"]> | undefined;
    let leave = () => {};
    const ended = new Promise<never>((_, reject) => {
      timer = clock.setTimeout(() => reject(new Error(`no answer within ${limit} ms`)), limit);
      leave = () => reject(signal.reason);
      signal.addEventListener("abort", leave, { once: true });
    });
    try {
      return await Promise.race([work, ended]);
    } finally {
      clock.clearTimeout(timer!);
      signal.removeEventListener("abort", leave);
    }
  }
}

function isTheCallers(error: unknown): boolean {
  return error instanceof ApiError && [401, 403, 429].includes(error.status);
}

function resultOf(store: StoreRecord, chunk: IndexedChunk, score: number): SearchResult {
  const { fileId, filename, attributes, text, tokens, position, headings, page } = chunk;
  return {
    vectorStoreId: store.id,
    fileId,
    filename,
    score,
    attributes,
    text,
    tokens,
    position,
    headings,
    page,
  };
}
