import { z } from "zod";

const url = z.url({ protocol: /^https?$/, error: "must be a URL of http or https" });

export const otlpOptionsSchema = z.strictObject({
  endpoint: url.optional().describe(
    "The collector's base address, such as http://127.0.0.1:4318; /v1/traces and /v1/metrics are put behind it.",
  ),
  traces_endpoint: url.optional().describe("The whole address for spans, where it is another."),
  metrics_endpoint: url.optional().describe("The whole address for metrics, where it is another."),
  protocol: z.enum(["http/protobuf", "http/json", "grpc"]).default("http/protobuf").describe(
    "How it is written. `grpc` is not spoken: http/protobuf is used in its place, with a warning.",
  ),
  compression: z.enum(["none", "gzip"]).default("none"),
  traces: z.boolean().default(true).describe("Send a span for each request and each call of a backend."),
  metrics: z.boolean().default(true).describe("Send the metrics every metrics_interval_ms."),
  service_name: z.string().min(1).default("intellirouter").describe("`service.name` of the resource."),
  resource_attributes: z.string().default("").describe(
    "Further attributes of the resource, as `key=value,key=value`.",
  ),
  stability_opt_in: z.string().default("").describe(
    "As OTEL_SEMCONV_STABILITY_OPT_IN: `gen_ai_latest_experimental` gives the newest names in the place of those of v1.41.",
  ),
}).refine(
  ({ endpoint, traces_endpoint: traces, metrics_endpoint: metrics }) =>
    (endpoint ?? traces ?? metrics) !== undefined,
  { error: "endpoint is needed, or traces_endpoint, or metrics_endpoint" },
);

export type OtlpOptions = z.output<typeof otlpOptionsSchema>;

/** `key=value,key=value`, with values encoded as in URLs, which is how the variables of OpenTelemetry are written. */
export function parsePairs(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split(",").flatMap((pair) => {
      const at = pair.indexOf("=");
      return at <= 0 ? [] : [[pair.slice(0, at).trim(), decode(pair.slice(at + 1).trim())]];
    }),
  );
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
