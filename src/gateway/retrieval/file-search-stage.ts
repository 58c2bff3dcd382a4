import type { z } from "zod";
import { ApiError } from "../../lib/api-error.ts";
import type { SearchResult } from "../../rag/contracts.ts";
import { showPassages } from "../../rag/passages.ts";
import type { ResponseItem } from "../../schema/response.ts";
import { fileSearchToolSchema } from "../../schema/retrieval.ts";
import type { Exchange, Stage } from "../stages/stage.ts";
import { ownSearchPrefix } from "../responses/input-items.ts";
import { CitingAnswer, newNonce } from "./citing-answer.ts";
import type { GatewayRetrieval } from "./gateway-retrieval.ts";
import { questionOf, unavailable } from "./retrieval-stage.ts";

type FileSearchTool = z.infer<typeof fileSearchToolSchema>;

const resultsField = "file_search_call.results";
/** As many as OpenAI gives where a request does not say. */
const usualResults = 20;

/**
 * The tool `file_search` of the Responses protocol, for vector stores of the gateway's own: searched before the model is asked, with the
 * user's last words, so that every model can have it. Tools whose vector stores are none of the gateway's are the backend's.
 *
 * @param maxTokens most tokens (estimated) of what is put into a request.
 */
export function fileSearchStage(gateway: GatewayRetrieval, maxTokens: number): Stage {
  return {
    name: "file_search",
    concerns: ({ operation, prompt }) => operation === "responses" && toolsOf(prompt.body.tools).length > 0,
    async begin(exchange) {
      const tools = toolsOf(exchange.prompt.body.tools);
      const { tenant } = exchange.principal;
      const { vectorStores } = gateway.open();
      const own = tools.filter(({ vector_store_ids: ids }) =>
        Array.isArray(ids) && ids.some((id) => vectorStores.knows(tenant, String(id)))
      );
      if (own.length === 0) return;
      const results = await search(gateway, exchange, own.map(checked));
      const shown = showPassages(results, maxTokens, newNonce());
      const asked = exchange.prompt.body.include;
      const withResults = Array.isArray(asked) && asked.includes(resultsField);
      exchange.prompt.dropFileSearch();
      if (shown.text !== "") exchange.prompt.insertBeforeLast([{ role: "user", content: shown.text }]);
      exchange.note({
        stage: "retrieval",
        name: "file_search",
        action: "added",
        detail: `${shown.passages.length} passages`,
      });
      return new CitingAnswer(
        exchange,
        shown.passages,
        searchItem(questionOf(exchange), withResults ? results : undefined),
      );
    },
  };
}

function toolsOf(tools: unknown): Readonly<Record<string, unknown>>[] {
  return Array.isArray(tools) ? tools.filter((tool) => tool?.type === "file_search") : [];
}

/** @throws {ApiError} 400 */
function checked(tool: Readonly<Record<string, unknown>>): FileSearchTool {
  const { success, data, error } = fileSearchToolSchema.safeParse(tool);
  if (success) return data;
  const [issue] = error.issues;
  throw new ApiError({
    status: 400,
    code: "invalid_value",
    param: `tools.${issue?.path.join(".")}`,
    message: `Invalid tool file_search: ${issue?.path.join(".")}: ${issue?.message}.`,
  });
}

async function search(
  gateway: GatewayRetrieval,
  exchange: Exchange,
  tools: readonly FileSearchTool[],
): Promise<readonly SearchResult[]> {
  const question = questionOf(exchange);
  if (question === "") return [];
  const found = await Promise.all(tools.map(async (tool) => {
    const { score_threshold: scoreThreshold, ranker, hybrid_search: weights } = tool.ranking_options ?? {};
    const { results, degraded } = await gateway.search(
      {
        vectorStores: tool.vector_store_ids,
        queries: [question],
        maxResults: tool.max_num_results ?? usualResults,
        filters: tool.filters ?? undefined,
        scoreThreshold,
        weights: weights && { embedding: weights.embedding_weight, text: weights.text_weight },
        rerank: ranker !== "none",
      },
      exchange,
      exchange.signal,
    ).catch((error) => {
      if (error instanceof ApiError || exchange.signal.aborted) throw error;
      throw unavailable(error);
    });
    for (const detail of degraded) exchange.note({ stage: "retrieval", action: "degraded", detail });
    return results;
  }));
  return found.length === 1 ? found[0]! : found.flat().sort((one, other) => other.score - one.score);
}

/** @param results absent: not asked for. */
function searchItem(question: string, results: readonly SearchResult[] | undefined): ResponseItem {
  return {
    type: "file_search_call",
    id: `${ownSearchPrefix}_${crypto.randomUUID().replaceAll("-", "")}`,
    status: "completed",
    queries: question === "" ? [] : [question],
    results: results?.map(({ fileId, filename, score, attributes, text, vectorStoreId }) => ({
      file_id: fileId,
      filename,
      score,
      attributes,
      text,
      vector_store_id: vectorStoreId,
    })) ?? null,
  };
}
