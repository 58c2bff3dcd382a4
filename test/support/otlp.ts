/** What a collector was sent, read with the definitions that OpenTelemetry publishes. */
import root from "otlp-definitions/build/src/generated/root.js";
import type { Received } from "./receiver.ts";

export interface SentSpan {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly status: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly resource: Readonly<Record<string, unknown>>;
}

export interface SentMetric {
  readonly name: string;
  readonly unit: string;
  // deno-lint-ignore no-explicit-any -- a test looks into whatever was sent.
  readonly data: any;
}

// deno-lint-ignore no-explicit-any -- the generated definitions have no types of their own here.
type Loose = any;
const collector: Loose = (root as Loose).opentelemetry.proto.collector;

function decode(type: Loose, { headers, body }: Received): Loose {
  if (headers["content-type"] === "application/json") return JSON.parse(body.toString());
  if (headers["content-type"] !== "application/x-protobuf") {
    throw new Error(`sent as ${headers["content-type"]}`);
  }
  return type.toObject(type.decode(body), { longs: String, bytes: Buffer });
}

export function spansIn(requests: readonly Received[]): SentSpan[] {
  const type = collector.trace.v1.ExportTraceServiceRequest;
  return requests.filter(({ path }) => path === "/v1/traces").flatMap((request) =>
    decode(type, request).resourceSpans.flatMap((resourceSpans: Loose) =>
      resourceSpans.scopeSpans.flatMap((scope: Loose) =>
        scope.spans.map((span: Loose): SentSpan => ({
          name: span.name,
          kind: Number(span.kind),
          traceId: hex(span.traceId),
          spanId: hex(span.spanId),
          parentSpanId: hex(span.parentSpanId ?? ""),
          startNs: BigInt(span.startTimeUnixNano),
          endNs: BigInt(span.endTimeUnixNano),
          status: Number(span.status?.code ?? 0),
          attributes: attributesOf(span.attributes),
          resource: attributesOf(resourceSpans.resource.attributes),
        }))
      )
    )
  );
}

export function metricsIn(requests: readonly Received[]): SentMetric[] {
  const type = collector.metrics.v1.ExportMetricsServiceRequest;
  return requests.filter(({ path }) => path === "/v1/metrics").flatMap((request) =>
    decode(type, request).resourceMetrics.flatMap((resource: Loose) =>
      resource.scopeMetrics.flatMap((scope: Loose) =>
        scope.metrics.map((metric: Loose): SentMetric => ({
          name: metric.name,
          unit: metric.unit ?? "",
          data: metric.sum ?? metric.gauge ?? metric.histogram,
        }))
      )
    )
  );
}

/** JSON has ids as hexadecimal, the binary form as bytes. */
function hex(id: string | Buffer): string {
  return typeof id === "string" ? id : id.toString("hex");
}

function attributesOf(attributes: readonly Loose[] = []): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => {
    const [type, inner] = Object.entries(value)[0]!;
    return [key, type === "intValue" ? Number(inner) : inner];
  }));
}
