/** What retrieval needs of its neighbours, and what it gives. It knows neither HTTP nor providers. */
import type { AttributeFilter, Attributes } from "../schema/retrieval.ts";

/** Makes vectors, on behalf of one caller. */
export interface Embedder {
  /**
   * @returns one vector for each text, in their order.
   * @throws whatever the model is refused for.
   */
  embed(model: string, texts: readonly string[], signal: AbortSignal): Promise<readonly Float32Array[]>;
}

/** Puts passages in order, on behalf of one caller. */
export interface Reranker {
  /** @returns places in `passages`, best first; those that it leaves out answer nothing. */
  rank(
    model: string,
    query: string,
    passages: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly number[]>;
}

/** On whose behalf something is searched or made. */
export interface RetrievalCaller {
  readonly tenant: string;
  readonly embedder: Embedder;
  readonly reranker: Reranker;
}

export interface SearchRequest {
  /** Ids or names, of the caller's tenant or shared ones. */
  readonly vectorStores: readonly string[];
  /** What is looked for; several are looked for one by one, and what they find is joined. */
  readonly queries: readonly string[];
  /** 1 to 50. */
  readonly maxResults: number;
  readonly filters?: AttributeFilter | undefined;
  /** Results below it are left out; 0 to 1. */
  readonly scoreThreshold?: number | undefined;
  /** Weights of the two searches, of vectors and of words; equal when absent. */
  readonly weights?: { readonly embedding: number; readonly text: number } | undefined;
  /** False: the order of the search stays. */
  readonly rerank?: boolean | undefined;
}

/** One chunk that was found. */
export interface SearchResult {
  readonly vectorStoreId: string;
  readonly fileId: string;
  readonly filename: string;
  /** 0 to 1. */
  readonly score: number;
  readonly attributes: Attributes;
  readonly text: string;
  /** Estimated. */
  readonly tokens: number;
  /** Place among the file's chunks, from 0. */
  readonly position: number;
  /** Headings that it stands under, outermost first. */
  readonly headings: readonly string[];
  /** From 1, of documents that have pages. */
  readonly page: number | undefined;
}

export interface SearchOutcome {
  /** Best first. */
  readonly results: readonly SearchResult[];
  /** What could not be done, in a few words for the decision record; empty when all could. */
  readonly degraded: readonly string[];
}

/** Searches in vector stores. */
export interface RagSearch {
  /**
   * @throws {ApiError} 404 for a store that the caller cannot see; 409 for one whose vectors no longer fit its model.
   */
  search(request: SearchRequest, caller: RetrievalCaller, signal: AbortSignal): Promise<SearchOutcome>;
}

/** Stores of this tenant may be searched by everybody: what the operator has added. No key can have this name. */
export const sharedTenant = "(shared)";

/** The caller on whose behalf vectors are made of what the operator has added: no key can have this name. */
export const operatorCaller = "(operator)";
