import type { MetricDescription } from "../src/schema/metrics.ts";

/** The reference page of the metrics: one row for each. */
export function renderMetricsReference(table: Readonly<Record<string, MetricDescription>>): string {
  const rows = Object.entries(table).map(([name, { type, unit, labels, help }]) =>
    `| \`${name}\` | ${type} | ${unit} | ${labels.map((label) => `\`${label}\``).join(", ")} | ${help} |`
  );
  const histograms = Object.entries(table).flatMap(([name, { buckets }]) =>
    buckets === undefined ? [] : [`| \`${name}\` | ${buckets.join(", ")} |`]
  );
  return [
    "# Metrics",
    "",
    "<!-- Made by scripts/gen.ts from src/schema/metrics.ts; changes by hand are overwritten. -->",
    "",
    "`GET /metrics` answers with them in the text format of Prometheus, and the exporter `otlp` sends them under the same names.",
    "[Observability](../guides/observability.md) says how to read them, and who may.",
    "",
    "A label has few values: names of the configuration, or closed lists. `target` is `provider/model`, and after 2,000 different series",
    "`other`. With `telemetry.metrics.teams` the metrics of requests, tokens and money have a label `team` as well. A metric that nothing has",
    "been counted for is left out.",
    "",
    "| metric | type | unit | labels | meaning |",
    "|---|---|---|---|---|",
    ...rows,
    "",
    "## Buckets",
    "",
    "| histogram | upper bounds, then infinity |",
    "|---|---|",
    ...histograms,
  ].join("\n") + "\n";
}
