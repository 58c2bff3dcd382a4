import { type Attributes, type HrTime, SpanKind, SpanStatusCode, TraceFlags } from "@opentelemetry/api";
import type { Resource } from "@opentelemetry/resources";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import type { AttemptRecord, Decision } from "intellirouter/plugin";
import { operationName, pathOf, providerName, type SemanticNames } from "./semantic-names.ts";

export interface SpanWorld {
  readonly names: SemanticNames;
  readonly resource: Resource;
  readonly providerKinds: ReadonlyMap<string, string>;
}

/**
 * The spans of one request: a SERVER span, and below it a CLIENT span for each call of a backend. None for a request that was not sampled.
 */
export function spansOf(decision: Decision, world: SpanWorld): ReadableSpan[] {
  const { trace } = decision;
  if (trace?.span_id === undefined || !trace.sampled) return [];
  const arrivedMs = Date.parse(decision.time);
  const own = { traceId: trace.trace_id, spanId: trace.span_id };
  const server = span(world, {
    ...own,
    parentSpanId: trace.parent_span_id,
    isParentRemote: true,
    kind: SpanKind.SERVER,
    name: `POST ${pathOf(decision.operation)}`,
    startMs: arrivedMs,
    durationMs: decision.timing.total_ms,
    attributes: serverAttributes(decision, world.names),
    // What the client did wrong is no error of the server.
    error: decision.status >= 500 || decision.outcome === "truncated"
      ? decision.error ?? decision.outcome
      : undefined,
  });
  const calls = decision.attempts.flatMap((attempt, index) =>
    attempt.span_id === undefined ? [] : [span(world, {
      traceId: own.traceId,
      spanId: attempt.span_id,
      parentSpanId: own.spanId,
      isParentRemote: false,
      kind: SpanKind.CLIENT,
      name: `${operationName(decision.operation)} ${modelOf(attempt.target)}`,
      startMs: arrivedMs + attempt.start_ms,
      durationMs: attempt.duration_ms,
      attributes: callAttributes(decision, attempt, index, world),
      error: attempt.outcome === "ok" || attempt.outcome === "cancelled"
        ? undefined
        : attempt.message ?? attempt.error ?? attempt.outcome,
    })]
  );
  return [server, ...calls];
}

function serverAttributes(decision: Decision, names: SemanticNames): Attributes {
  const path = pathOf(decision.operation);
  return defined({
    [names.httpMethod]: "POST",
    [names.httpRoute]: path,
    [names.urlPath]: path,
    [names.urlScheme]: "http",
    [names.httpStatus]: decision.status,
    [names.requestModel]: decision.model,
    [names.errorType]: decision.status >= 500 ? String(decision.status) : undefined,
    "intellirouter.decision": decision.id,
    "intellirouter.request_id": decision.request_id,
    "intellirouter.route": decision.route,
    "intellirouter.strategy": decision.strategy,
    "intellirouter.target": decision.target,
    "intellirouter.outcome": decision.outcome,
    "intellirouter.principal": decision.principal,
    "intellirouter.team": decision.team,
    "intellirouter.attempts": decision.attempts.length,
    "intellirouter.cost_usd": decision.cost_usd,
    "intellirouter.gateway_seconds": decision.timing.gateway_ms / 1000,
  });
}

function callAttributes(
  decision: Decision,
  attempt: AttemptRecord,
  index: number,
  { names, providerKinds }: SpanWorld,
): Attributes {
  const provider = attempt.target.slice(0, attempt.target.indexOf("/"));
  // What was used belongs to the call that served, which is the last.
  const usage = index === decision.attempts.length - 1 && attempt.target === decision.target
    ? decision.usage
    : undefined;
  return defined({
    [names.operation]: operationName(decision.operation),
    [names.provider]: providerName(providerKinds.get(provider) ?? provider),
    [names.requestModel]: modelOf(attempt.target),
    [names.requestStream]: decision.stream ? true : undefined,
    [names.responseModel]: usage === undefined ? undefined : modelOf(attempt.target),
    [names.timeToFirstChunk]: attempt.first_token_ms === undefined
      ? undefined
      : attempt.first_token_ms / 1000,
    [names.inputTokens]: usage?.prompt_tokens,
    [names.outputTokens]: usage?.completion_tokens,
    [names.cacheReadTokens]: usage?.cached_tokens || undefined,
    [names.cacheWriteTokens]: usage?.cache_write_tokens || undefined,
    [names.reasoningTokens]: usage?.reasoning_tokens || undefined,
    [names.httpStatus]: attempt.status,
    [names.errorType]: attempt.error ?? (attempt.outcome === "truncated" ? "truncated" : undefined),
    "intellirouter.target": attempt.target,
    "intellirouter.attempt": index + 1,
    "intellirouter.outcome": attempt.outcome,
  });
}

interface SpanParts {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly isParentRemote: boolean;
  readonly kind: SpanKind;
  readonly name: string;
  readonly startMs: number;
  readonly durationMs: number;
  readonly attributes: Attributes;
  /** What went wrong; undefined when nothing did. */
  readonly error: string | undefined;
}

function span({ resource }: SpanWorld, parts: SpanParts): ReadableSpan {
  const { traceId, spanId, parentSpanId, isParentRemote: isRemote, startMs, durationMs, error } = parts;
  const context = (id: string, remote: boolean) => ({
    traceId,
    spanId: id,
    traceFlags: TraceFlags.SAMPLED,
    isRemote: remote,
  });
  return {
    name: parts.name,
    kind: parts.kind,
    spanContext: () => context(spanId, false),
    ...(parentSpanId === undefined ? {} : { parentSpanContext: context(parentSpanId, isRemote) }),
    startTime: timeOf(startMs),
    endTime: timeOf(startMs + durationMs),
    duration: timeOf(durationMs),
    status: error === undefined
      ? { code: SpanStatusCode.UNSET }
      : { code: SpanStatusCode.ERROR, message: error },
    attributes: parts.attributes,
    links: [],
    events: [],
    ended: true,
    resource,
    instrumentationScope: { name: "intellirouter" },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/** Milliseconds → seconds and nanoseconds, as exact as the microseconds of a record are. */
export function timeOf(milliseconds: number): HrTime {
  const seconds = Math.floor(milliseconds / 1000);
  return [seconds, Math.round((milliseconds - seconds * 1000) * 1000) * 1000];
}

function defined(attributes: Readonly<Record<string, string | number | boolean | undefined>>): Attributes {
  return Object.fromEntries(
    Object.entries(attributes).filter(([, value]) => value !== undefined),
  ) as Attributes;
}

function modelOf(target: string): string {
  return target.slice(target.indexOf("/") + 1);
}
