import { definePlugin, type MetricFamily, type MetricLabels } from "intellirouter/plugin";
import { z } from "zod";

/** The text format of Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/), version 0.0.4. */
export default definePlugin({
  apiVersion: 1,
  kind: "exporter",
  name: "prometheus",
  description: "Answers GET /metrics in the text format of Prometheus.",
  options: z.strictObject({}),
  create: () => ({
    scrape: (families) => ({
      contentType: "text/plain; version=0.0.4; charset=utf-8",
      body: families.map(family).join(""),
    }),
  }),
});

function family({ name, type, help, samples }: MetricFamily): string {
  let text = `# HELP ${name} ${
    help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")
  }\n# TYPE ${name} ${type}\n`;
  for (const { labels, value } of samples) {
    if (typeof value === "number") text += line(name, labels, value);
    else {
      if ("bounds" in value) {
        let below = 0;
        value.bounds.forEach((bound, index) => {
          below += value.counts[index]!;
          text += line(`${name}_bucket`, { ...labels, le: String(bound) }, below);
        });
        text += line(`${name}_bucket`, { ...labels, le: "+Inf" }, value.count);
      }
      text += line(`${name}_sum`, labels, value.sum) + line(`${name}_count`, labels, value.count);
    }
  }
  return text;
}

function line(name: string, labels: MetricLabels, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escape(text)}"`).join(",");
  return `${name}${pairs === "" ? "" : `{${pairs}}`} ${written(value)}\n`;
}

function escape(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

/** Infinities are spelt in a way of their own. */
function written(value: number): string {
  return Number.isFinite(value) ? String(value) : Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}
