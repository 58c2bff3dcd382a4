/**
 * The names of OpenTelemetry's semantic conventions that spans use, in the version that tools read today, v1.41, the last before those
 * for generative AI moved to a repository of their own, and in the newest. Two names only where they differ.
 */
const names = {
  operation: "gen_ai.operation.name",
  provider: "gen_ai.provider.name",
  requestModel: "gen_ai.request.model",
  requestStream: "gen_ai.request.stream",
  responseModel: "gen_ai.response.model",
  timeToFirstChunk: "gen_ai.response.time_to_first_chunk",
  inputTokens: "gen_ai.usage.input_tokens",
  outputTokens: "gen_ai.usage.output_tokens",
  cacheReadTokens: "gen_ai.usage.cache_read.input_tokens",
  cacheWriteTokens: ["gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_write.input_tokens"],
  reasoningTokens: "gen_ai.usage.reasoning.output_tokens",
  errorType: "error.type",
  httpMethod: "http.request.method",
  httpRoute: "http.route",
  httpStatus: "http.response.status_code",
  urlPath: "url.path",
  urlScheme: "url.scheme",
} as const;

export type SemanticNames = Readonly<Record<keyof typeof names, string>>;

/** The value of OTEL_SEMCONV_STABILITY_OPT_IN that asks for the newest names. */
const optIn = "gen_ai_latest_experimental";

/** @param stabilityOptIn as OTEL_SEMCONV_STABILITY_OPT_IN: words separated by commas. */
export function semanticNames(stabilityOptIn: string): SemanticNames {
  const version = stabilityOptIn.split(",").some((word) => word.trim() === optIn) ? 1 : 0;
  return Object.fromEntries(
    Object.entries(names).map(([key, name]) => [key, typeof name === "string" ? name : name[version]]),
  ) as SemanticNames;
}

/** The well-known values of `gen_ai.provider.name` by the plugin's kind; other kinds are their own value. */
const providers: Readonly<Record<string, string>> = {
  "azure-openai": "azure.ai.openai",
  bedrock: "aws.bedrock",
  gemini: "gcp.gemini",
  mistral: "mistral_ai",
  vertex: "gcp.vertex_ai",
  xai: "x_ai",
};

export function providerName(kind: string): string {
  return Object.hasOwn(providers, kind) ? providers[kind]! : kind;
}

const operations: Readonly<Record<string, string>> = {
  chat: "chat",
  messages: "chat",
  responses: "chat",
  completions: "text_completion",
  embeddings: "embeddings",
};

/** `gen_ai.operation.name` of an endpoint; endpoints that the conventions do not know keep their own name. */
export function operationName(operation: string): string {
  return Object.hasOwn(operations, operation)
    ? operations[operation]!
    : operation.replace(/^\//, "").replaceAll("/", "_");
}

const paths: Readonly<Record<string, string>> = {
  chat: "/v1/chat/completions",
  messages: "/v1/messages",
  count_tokens: "/v1/messages/count_tokens",
  responses: "/v1/responses",
  completions: "/v1/completions",
  embeddings: "/v1/embeddings",
};

export function pathOf(operation: string): string {
  return Object.hasOwn(paths, operation)
    ? paths[operation]!
    : `/v1${operation.startsWith("/") ? "" : "/"}${operation}`;
}
