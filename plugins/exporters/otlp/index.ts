import { definePlugin } from "intellirouter/plugin";
import { otlpOptionsSchema } from "./options.ts";

/** OpenTelemetry's protocol over HTTP: a span for each request and each call of a backend, and the metrics. */
export default definePlugin({
  apiVersion: 1,
  kind: "exporter",
  name: "otlp",
  description: "Sends traces and metrics to an OpenTelemetry collector, over HTTP.",
  traces: true,
  secrets: ["headers"],
  // https://opentelemetry.io/docs/specs/otel/protocol/exporter/
  discovery: {
    environment: {
      options: {
        endpoint: ["OTEL_EXPORTER_OTLP_ENDPOINT"],
        traces_endpoint: ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"],
        metrics_endpoint: ["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"],
        protocol: ["OTEL_EXPORTER_OTLP_PROTOCOL"],
        compression: ["OTEL_EXPORTER_OTLP_COMPRESSION"],
        service_name: ["OTEL_SERVICE_NAME"],
        resource_attributes: ["OTEL_RESOURCE_ATTRIBUTES"],
        stability_opt_in: ["OTEL_SEMCONV_STABILITY_OPT_IN"],
      },
      secrets: { headers: ["OTEL_EXPORTER_OTLP_HEADERS"] },
      needs: [["endpoint"], ["traces_endpoint"], ["metrics_endpoint"]],
    },
  },
  options: otlpOptionsSchema,
  create: async (options, host) => {
    // OpenTelemetry's libraries take megabytes; who does not use them does not pay for them.
    const { createExporter } = await import("./create-exporter.ts");
    return createExporter(options, host);
  },
});
