import { ApiError } from "../../lib/api-error.ts";
import type { Route } from "../route.ts";

/** `GET /metrics` */
export const metricsRoute: Route = {
  method: "GET",
  path: "/metrics",
  permission: "metrics.read",
  isForAll: true,
  surface: "metrics",
  mediaType: "text/plain",
  tag: "Administration",
  summary:
    "The metrics, in the text format of Prometheus. With server.metrics_listen only there, and without a key.",
  handle({ services }) {
    const scraped = services.scrape();
    if (scraped === undefined) {
      throw new ApiError({
        status: 404,
        code: "metrics_off",
        message: "No exporter answers /metrics (telemetry.metrics.exporter).",
      });
    }
    return new Response(scraped.body, {
      headers: { "content-type": scraped.contentType, "cache-control": "no-store" },
    });
  },
};
