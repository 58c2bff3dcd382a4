import { chatOperation } from "../gateway/operations/chat.ts";
import { completionsOperation } from "../gateway/operations/completions.ts";
import { countTokensOperation } from "../gateway/operations/count-tokens.ts";
import { embeddingsOperation } from "../gateway/operations/embeddings.ts";
import { messagesOperation } from "../gateway/operations/messages.ts";
import { inputTokensEndpoint, responsesEndpoint } from "../gateway/responses/respond.ts";
import { chatCompletionRequestSchema, chatCompletionSchema } from "../schema/chat-completion.ts";
import { completionRequestSchema, completionSchema } from "../schema/completion.ts";
import { embeddingRequestSchema, embeddingResponseSchema } from "../schema/embedding.ts";
import {
  countTokensRequestSchema,
  messageSchema,
  messagesRequestSchema,
  tokenCountSchema,
} from "../schema/message.ts";
import {
  inputTokensRequestSchema,
  inputTokensSchema,
  responseSchema,
  responsesRequestSchema,
} from "../schema/response.ts";
import type { Route } from "./route.ts";
import { auditRoute } from "./routes/audit.ts";
import { memoryRoutes } from "./routes/admin-memory.ts";
import { conversationRoutes } from "./routes/conversations.ts";
import { clearCacheRoute } from "./routes/admin-cache.ts";
import { groupRoutes } from "./routes/admin-groups.ts";
import { keyRoutes } from "./routes/admin-keys.ts";
import { usageRoutes } from "./routes/admin-usage.ts";
import { metricsRoute } from "./routes/metrics.ts";
import { listCapabilitiesRoute } from "./routes/capabilities.ts";
import { getChainRunRoute, listChainRunsRoute, listChainsRoute } from "./routes/chains.ts";
import { getDecisionRoute, listDecisionsRoute } from "./routes/decisions.ts";
import { fileRoutes } from "./routes/files.ts";
import { vectorStoreFileRoutes } from "./routes/vector-store-files.ts";
import { vectorStoreRoutes } from "./routes/vector-stores.ts";
import { forwardRoutes } from "./routes/forward.ts";
import { healthRoutes } from "./routes/health.ts";
import { endpointRoute, inferenceRoute } from "./routes/inference.ts";
import { getModelRoute, listModelsRoute } from "./routes/models.ts";
import { openApiRoute } from "./routes/openapi.ts";
import { ownKeyRoute } from "./routes/own-key.ts";
import { responseRoutes } from "./routes/responses.ts";

/** Every path that the gateway serves. */
export function routeTable(): readonly Route[] {
  const routes: Route[] = [
    inferenceRoute({
      path: "/v1/chat/completions",
      summary: "Answers a conversation.",
      operation: chatOperation,
      requestSchema: chatCompletionRequestSchema,
      responseSchema: chatCompletionSchema,
    }),
    inferenceRoute({
      path: "/v1/messages",
      summary: "Answers a conversation, in Anthropic's protocol.",
      operation: messagesOperation,
      requestSchema: messagesRequestSchema,
      responseSchema: messageSchema,
    }),
    inferenceRoute({
      path: "/v1/messages/count_tokens",
      summary: "Counts the tokens of a conversation, in Anthropic's protocol.",
      operation: countTokensOperation,
      requestSchema: countTokensRequestSchema,
      responseSchema: tokenCountSchema,
    }),
    endpointRoute({
      path: "/v1/responses",
      summary: "Answers a conversation, in OpenAI's Responses protocol.",
      endpoint: responsesEndpoint,
      requestSchema: responsesRequestSchema,
      responseSchema,
    }),
    endpointRoute({
      path: "/v1/responses/input_tokens",
      summary: "Estimates the tokens of a conversation, in OpenAI's Responses protocol.",
      endpoint: inputTokensEndpoint,
      requestSchema: inputTokensRequestSchema,
      responseSchema: inputTokensSchema,
    }),
    ...responseRoutes,
    ...conversationRoutes,
    ...fileRoutes,
    ...vectorStoreRoutes,
    ...vectorStoreFileRoutes,
    inferenceRoute({
      path: "/v1/completions",
      summary: "Continues a text (legacy).",
      operation: completionsOperation,
      requestSchema: completionRequestSchema,
      responseSchema: completionSchema,
    }),
    inferenceRoute({
      path: "/v1/embeddings",
      summary: "Turns texts into vectors.",
      operation: embeddingsOperation,
      requestSchema: embeddingRequestSchema,
      responseSchema: embeddingResponseSchema,
    }),
    ...forwardRoutes,
    listCapabilitiesRoute,
    listModelsRoute,
    getModelRoute,
    ownKeyRoute,
    ...healthRoutes,
    ...keyRoutes,
    ...groupRoutes,
    ...usageRoutes,
    clearCacheRoute,
    listChainsRoute,
    listChainRunsRoute,
    getChainRunRoute,
    ...memoryRoutes,
    listDecisionsRoute,
    getDecisionRoute,
    auditRoute,
    metricsRoute,
  ];
  return [...routes, openApiRoute(routes)];
}
