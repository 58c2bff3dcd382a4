import { ApiError } from "../../lib/api-error.ts";
import type { SearchResult } from "../../rag/contracts.ts";
import { showPassages } from "../../rag/passages.ts";
import type { RetrievalPolicies } from "../../rag/policies.ts";
import type { OperationName } from "../../router/contracts.ts";
import type { RetrievalPolicy } from "../../schema/retrieval.ts";
import { plainText } from "../stages/content-texts.ts";
import type { Exchange, Stage } from "../stages/stage.ts";
import { CitingAnswer, newNonce } from "./citing-answer.ts";
import type { GatewayRetrieval } from "./gateway-retrieval.ts";

const talking: ReadonlySet<OperationName> = new Set(["chat", "messages", "responses"]);
/** What of the user's last words is searched for. */
const searchedCharacters = 8_000;

/** Puts passages of vector stores into requests, and names their files in the answers. */
export function retrievalStage(gateway: GatewayRetrieval, policies: RetrievalPolicies): Stage {
  const policyOf = ({ operation, model, resolution }: Exchange) =>
    talking.has(operation) ? policies.find(model, resolution.routeIndex) : undefined;
  return {
    name: "retrieval",
    concerns: (exchange) => policyOf(exchange) !== undefined,
    async begin(exchange) {
      const policy = policyOf(exchange)!;
      const question = questionOf(exchange);
      if (question === "") return;
      const results = await search(gateway, exchange, policy, question);
      const { text, passages } = showPassages(results, policy.max_tokens, newNonce());
      if (passages.length === 0) return;
      const message = { role: "user" as const, content: text };
      if (policy.position === "first") exchange.prompt.prepend([message]);
      else exchange.prompt.insertBeforeLast([message]);
      const files = new Set(passages.map(({ fileId }) => fileId)).size;
      exchange.note({
        stage: "retrieval",
        action: "added",
        detail: `${passages.length} passages of ${files} files`,
      });
      return policy.citations ? new CitingAnswer(exchange, passages) : undefined;
    },
  };
}

/** The user's last words. */
export function questionOf({ prompt }: Exchange): string {
  const last = prompt.conversation().findLast(({ role }) => role === "user");
  return plainText(last?.content).trim().slice(0, searchedCharacters);
}

/** @throws {ApiError} where the client must be told. */
async function search(
  gateway: GatewayRetrieval,
  exchange: Exchange,
  { vector_stores: vectorStores, max_results: maxResults, min_score: scoreThreshold, on_failure: onFailure }:
    RetrievalPolicy,
  question: string,
): Promise<readonly SearchResult[]> {
  try {
    const request = { vectorStores, queries: [question], maxResults, scoreThreshold };
    const { results, degraded } = await gateway.search(request, exchange, exchange.signal);
    for (const detail of degraded) exchange.note({ stage: "retrieval", action: "degraded", detail });
    return results;
  } catch (error) {
    if (exchange.signal.aborted) throw error;
    if (onFailure === "fail") throw unavailable(error);
    gateway.onError("nothing could be searched; the request goes on without", error);
    exchange.note({ stage: "retrieval", action: "skipped", detail: "nothing could be searched" });
    return [];
  }
}

export function unavailable(cause: unknown): ApiError {
  // What the caller may not do, or pay, is the caller's to know.
  if (cause instanceof ApiError && [401, 403, 429].includes(cause.status)) return cause;
  return new ApiError({
    status: 503,
    code: "retrieval_unavailable",
    message:
      "The documents that this model answers from cannot be searched at the moment. Try again shortly.",
    retryAfterMs: 1_000,
    cause,
  });
}
