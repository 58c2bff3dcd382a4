import type { Principal } from "../../auth/principal.ts";
import type { SearchOutcome, SearchRequest } from "../../rag/contracts.ts";
import type { Retrieval } from "../../rag/retrieval.ts";

/** The request on whose behalf something is searched. */
export interface SearchOccasion {
  readonly principal: Principal;
  readonly requestId: string;
  /** Names the decision record that the search's own calls belong to. */
  readonly decisionId: string;
  /** How many calls of the gateway's own the request stands in; 0 for a client's. */
  readonly depth: number;
}

/** Retrieval as the gateway uses it. */
export interface GatewayRetrieval {
  /** Opens it, the first time. @throws when what is stored cannot be read. */
  open(): Retrieval;
  /** @throws {ApiError} 404 for a store that the caller cannot see; 409 for one whose vectors no longer fit its model. */
  search(request: SearchRequest, occasion: SearchOccasion, signal: AbortSignal): Promise<SearchOutcome>;
  /** Told of what went wrong and does not hold a request up; must not throw. */
  onError(message: string, error: unknown): void;
}
