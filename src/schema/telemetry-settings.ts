/** `[telemetry]` of the configuration. */
import { z } from "zod";
import { eventTypeSchema } from "./telemetry-event.ts";

const milliseconds = (description: string) =>
  z.number().int().min(0).max(86_400_000).describe(`${description}, in milliseconds.`);

/** Where a secret comes from. */
export const secretSourceSchema = z.strictObject({
  env: z.string().min(1).optional().describe("Environment variable that holds it."),
  file: z.string().min(1).optional().describe(
    "File that holds it; a name without a slash is looked up in $CREDENTIALS_DIRECTORY first.",
  ),
}).refine((source) => (source.env === undefined) !== (source.file === undefined), {
  error: "must have either env or file",
});

/** Fields of a `[[telemetry.exporters]]` entry that belong to the gateway; every other one is an option of the plugin. */
export const exporterSchema = z.looseObject({
  kind: z.string().min(1).describe(
    'The exporter plugin: "otlp", "jsonl", "webhook", "console", "prometheus", or one of yours.',
  ),
  name: z.string().regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
    "must be 1 to 64 letters, digits, dots, dashes or underscores",
  ).optional().describe("Its name in metrics and logs; the kind when absent."),
  events: z.array(eventTypeSchema).min(1).optional().describe(
    "What it is given: `request` (a finished inference request), `audit` (an entry of the audit log), `alert`, `breaker` (a target's circuit opened or closed). Everything when absent.",
  ),
  secrets: z.record(z.string(), secretSourceSchema).optional().describe(
    'Secrets of the plugin by name, such as headers = { env = "OTLP_HEADERS" }.',
  ),
  max_queue: z.number().int().min(1).max(1_000_000).default(8_192).describe(
    "Events that may wait; what comes then is dropped and counted.",
  ),
  max_batch: z.number().int().min(1).max(100_000).default(128).describe("Most events of one batch."),
  interval_ms: milliseconds("Longest wait of an event for others to go out with").default(1_000),
  timeout_ms: z.number().int().min(1).max(600_000).default(10_000).describe(
    "Longest time for one try to send a batch, in milliseconds.",
  ),
  metrics_interval_ms: milliseconds(
    "Time between two exports of the metrics, where the plugin sends them; 0 sends none",
  ).default(60_000),
}).describe("Where telemetry goes. Fields beside these are options of the plugin.");

export const tracingSchema = z.strictObject({
  mode: z.enum(["auto", "on", "off"]).default("auto").describe(
    "Give requests trace and span ids; `auto`: when an exporter sends spans. A client's `traceparent` is handed on to the backend in any case.",
  ),
  sample_ratio: z.number().min(0).max(1).default(1).describe(
    "Share of the traces that begin here whose spans are exported.",
  ),
  trust_parent: z.boolean().default(true).describe(
    "A client that sends a `traceparent` decides whether its trace is sampled; otherwise sample_ratio decides for it as well.",
  ),
  propagate: z.boolean().default(true).describe("Send `traceparent` and `tracestate` to backends."),
}).describe("W3C trace context.");

export const telemetrySchema = z.strictObject({
  flush_ms: milliseconds("Longest time for the exporters to send what waits when the gateway stops").default(
    5_000,
  ),
  environment: z.boolean().default(true).describe(
    "Add the exporters that the environment asks for in their own variables (OTEL_EXPORTER_OTLP_ENDPOINT), unless one of that kind is configured.",
  ),
  tracing: tracingSchema.prefault({}),
  metrics: z.strictObject({
    exporter: z.string().min(1).default("prometheus").describe(
      'The exporter plugin that answers GET /metrics; "none" serves none.',
    ),
    teams: z.array(z.string().min(1)).max(100).default([]).describe(
      "Teams whose requests are told apart by a label `team`; all others are `other`. Empty: no such label.",
    ),
  }).prefault({}).describe("The metrics of the gateway."),
  exporters: z.array(exporterSchema).default([]),
}).describe(
  "Metrics, traces and events, and where they go. What was said in requests and answers is never part of them.",
);

export type TelemetrySettings = z.infer<typeof telemetrySchema>;
export type ExporterSettings = z.infer<typeof exporterSchema>;
export type TracingSettings = z.infer<typeof tracingSchema>;
