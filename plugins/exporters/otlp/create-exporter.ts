import { gzip } from "node:zlib";
import { promisify } from "node:util";
import type { ISerializer } from "@opentelemetry/otlp-transformer";
import {
  JsonMetricsSerializer,
  JsonTraceSerializer,
  ProtobufMetricsSerializer,
  ProtobufTraceSerializer,
} from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import type { Exporter, PluginHost } from "intellirouter/plugin";
import { post } from "../post.ts";
import { resourceMetrics } from "./metrics.ts";
import { type OtlpOptions, parsePairs } from "./options.ts";
import { semanticNames } from "./semantic-names.ts";
import { spansOf, timeOf } from "./spans.ts";

const compress = promisify(gzip);

/** Sends spans and metrics to a collector, over HTTP. */
export function createExporter(options: OtlpOptions, host: PluginHost): Exporter {
  const isJson = options.protocol === "http/json";
  if (options.protocol === "grpc") host.logger.warn("OTLP over gRPC is not spoken; http/protobuf is sent");
  const resource = resourceFromAttributes({
    ...parsePairs(options.resource_attributes),
    "service.name": options.service_name,
  });
  const names = semanticNames(options.stability_opt_in);
  const startTime = timeOf(host.now());
  const headers = {
    ...parsePairs(host.secret("headers") ?? ""),
    "content-type": isJson ? "application/json" : "application/x-protobuf",
    ...(options.compression === "gzip" ? { "content-encoding": "gzip" } : {}),
  };
  const send = async <Data>(
    url: string,
    serializer: Pick<ISerializer<Data, unknown>, "serializeRequest">,
    data: Data,
    signal: AbortSignal,
  ) => {
    const bytes = serializer.serializeRequest(data);
    if (bytes === undefined) return;
    const body = new Uint8Array(options.compression === "gzip" ? await compress(bytes) : bytes);
    await post(host, url, { headers, body, signal });
  };
  const traces = options.traces
    ? address(options.traces_endpoint, options.endpoint, "/v1/traces")
    : undefined;
  const metrics = options.metrics
    ? address(options.metrics_endpoint, options.endpoint, "/v1/metrics")
    : undefined;
  return {
    ...(traces === undefined ? {} : {
      export: async ({ events, providerKinds }, signal) => {
        const world = { names, resource, providerKinds };
        const spans = events.flatMap((
          event,
        ) => (event.type === "request" ? spansOf(event.decision, world) : []));
        if (spans.length === 0) return;
        await send(traces, isJson ? JsonTraceSerializer : ProtobufTraceSerializer, spans, signal);
      },
    }),
    ...(metrics === undefined ? {} : {
      exportMetrics: async (families, signal) => {
        const data = resourceMetrics(families, resource, startTime, timeOf(host.now()));
        await send(metrics, isJson ? JsonMetricsSerializer : ProtobufMetricsSerializer, data, signal);
      },
    }),
  };
}

function address(whole: string | undefined, base: string | undefined, path: string): string | undefined {
  return whole ?? (base === undefined ? undefined : base.replace(/\/+$/, "") + path);
}
