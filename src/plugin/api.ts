/**
 * `intellirouter/plugin`: everything a plugin may import from the gateway.
 *
 * Built-in plugins import this and nothing else of ours; they get no back door.
 */
export { definePlugin } from "./api/define-plugin.ts";
export type {
  AnyPlugin,
  PluginDefinition,
  PluginInstance,
  PluginKind,
  PluginSpec,
} from "./api/define-plugin.ts";
export type {
  Database,
  DatabaseStatement,
  DatabaseValue,
  Download,
  DownloadedFile,
  EgressFetch,
  EgressInit,
  PluginHost,
  PluginLogger,
} from "./api/host.ts";
export type { Chain, ChainQuestion, ChainRequest, ChainStepOptions, ChainWork } from "./api/chain.ts";
export type {
  GuardedText,
  Guardrail,
  GuardrailContext,
  GuardrailQuestion,
  Span,
  SpanGuardrail,
  TextGuardrail,
  Verdict,
} from "./api/guardrail.ts";
export { ExportError, isExportError } from "./api/exporter.ts";
export type { ExportBatch, Exporter, ExportErrorOptions, ScrapedMetrics } from "./api/exporter.ts";
export { chatFeatures } from "./api/fidelity.ts";
export type { ChatFeature, Fidelity } from "./api/fidelity.ts";
export type {
  BackendContext,
  CallContext,
  CallResult,
  ChatCapability,
  CompletionsCapability,
  EmbeddingsCapability,
  EnvironmentDiscovery,
  FidelityLoss,
  ForwardCapability,
  ForwardRequest,
  LoopbackDiscovery,
  MessagesCapability,
  ModelDescription,
  Provider,
  ProviderDiscovery,
  ResponsesCapability,
  StreamFrame,
  StreamResult,
} from "./api/provider.ts";
export type {
  RankedTarget,
  Strategy,
  StrategyOutcome,
  StrategyRequest,
  StrategyTarget,
} from "./api/strategy.ts";
export type { Store, StoreListPage } from "./api/store.ts";
export type {
  TextVector,
  VectorAttributes,
  VectorFilter,
  VectorMatch,
  VectorPage,
  VectorQuery,
  VectorRecord,
  VectorStore,
} from "./api/vector-store.ts";
export { isUpstreamError, UpstreamError } from "./api/upstream-error.ts";
export type { UpstreamErrorKind, UpstreamErrorOptions } from "./api/upstream-error.ts";
export { BackendClient } from "./api/wire/backend-client.ts";
export type { BackendClientOptions, OutgoingRequest } from "./api/wire/backend-client.ts";
export type { HistogramReading } from "../lib/histogram.ts";
export { parseJson } from "../lib/lossless-json.ts";
export { openBody } from "./api/wire/body-reader.ts";
export type { BodyReader } from "./api/wire/body-reader.ts";
export { errorFromObject, errorFromResponse } from "./api/wire/error-body.ts";
export { eventFrames } from "./api/wire/event-frames.ts";
export { translateFrames } from "./api/wire/translate-frames.ts";
export type { StreamDecoder } from "./api/wire/translate-frames.ts";
export type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionRequest,
  ChatMessage,
  ToolCall,
  ToolCallDelta,
  Usage,
} from "../schema/chat-completion.ts";
export type { Completion, CompletionChunk, CompletionRequest } from "../schema/completion.ts";
export type { Message, MessageEvent, MessagesRequest, TokenCount } from "../schema/message.ts";
export type { ResponseEvent, ResponseObject, ResponsesRequest } from "../schema/response.ts";
export type { EmbeddingRequest, EmbeddingResponse } from "../schema/embedding.ts";
export { metricTable } from "../schema/metrics.ts";
export type {
  MetricDescription,
  MetricFamily,
  MetricLabels,
  MetricName,
  MetricSample,
  SummaryReading,
} from "../schema/metrics.ts";
export { telemetryEventSchema } from "../schema/telemetry-event.ts";
export type {
  AlertEvent,
  AuditEvent,
  BreakerEvent,
  EventType,
  RequestEvent,
  TelemetryEvent,
} from "../schema/telemetry-event.ts";
export type { AttemptRecord, Decision } from "../schema/decision.ts";
