/**
 * What telemetry costs one request, by itself: nanoseconds of each part, the counting that is done in batches included.
 *
 *   bun bench/micro/telemetry.ts [requests]
 */
import otlp from "../../plugins/exporters/otlp/index.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { sampleEvents } from "../../src/plugin/testing/sample-telemetry.ts";
import type { Decision } from "../../src/schema/decision.ts";
import { eventTypeSchema } from "../../src/schema/telemetry-event.ts";
import { telemetrySchema } from "../../src/schema/telemetry-settings.ts";
import { ExporterWorker } from "../../src/telemetry/exporter-worker.ts";
import { Telemetry } from "../../src/telemetry/telemetry.ts";
import { testHost } from "../../test/support/test-host.ts";

const requests = Number(process.argv[2] ?? 500_000);
const sample = sampleEvents()[0] as { readonly decision: Decision };
const settings = telemetrySchema.parse({});
const headers = new Headers({
  authorization: "Bearer x",
  "content-type": "application/json",
  "user-agent": "bench",
});
const targets = Array.from({ length: 8 }, (_, index) => `cloud/model-${index}`);
const decisions = targets.map((target) => ({
  ...sample.decision,
  target,
  attempts: [{ ...sample.decision.attempts[1]!, target }],
}));

function make(traces: boolean): Telemetry {
  const telemetry = new Telemetry({ clock: systemClock, onError: () => {} });
  const tracing = { ...settings.tracing, mode: traces ? "on" as const : "off" as const };
  telemetry.configure({ ...settings, tracing }, [], new Map());
  return telemetry;
}

/** Processor time, so that what other processes do counts for nothing; the best of five. */
async function measure(name: string, work: (count: number) => void | Promise<void>): Promise<void> {
  await work(requests / 10);
  let best = Infinity;
  for (let round = 0; round < 5; round++) {
    const before = process.cpuUsage();
    await work(requests);
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, ((user + system) * 1000) / requests);
  }
  console.log(`${String(Math.round(best)).padStart(6)} ns  ${name}`);
}

const plain = make(false);
await measure("trace context where tracing is off: the look for a traceparent", (count) => {
  for (let index = 0; index < count; index++) plain.traces.begin(headers);
});
const traced = make(true);
await measure("trace context where tracing is on: ids of the request and of one call", (count) => {
  for (let index = 0; index < count; index++) {
    const trace = traced.traces.begin(headers)!;
    trace.call();
    trace.describe();
  }
});
await measure("metrics, counting included", (count) => {
  for (let index = 0; index < count; index++) plain.record(decisions[index & 7]!);
});
const exporting = make(true);
const worker = new ExporterWorker({
  name: "nothing",
  exporter: { export: () => Promise.resolve() },
  events: new Set(eventTypeSchema.options),
  maxQueue: 1_000_000,
  maxBatch: 512,
  intervalMs: 10,
  timeoutMs: 1_000,
  metricsIntervalMs: 0,
  clock: systemClock,
  random: Math.random,
  providerKinds: () => new Map(),
  metrics: () => [],
  onError: () => {},
});
exporting.configure(settings, [{ worker, traces: true }], new Map());
await measure("metrics, and an exporter that takes everything", async (count) => {
  for (let index = 0; index < count; index++) {
    exporting.record(decisions[index & 7]!);
    if (index % 512 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
  }
});
const exporter = await otlp.create(
  otlp.options.parse({ endpoint: "http://127.0.0.1:9" }),
  testHost({ fetch: () => Promise.resolve(new Response("{}")) }),
);
await measure(
  "spans, made and written as protobuf (two for each request), away from the request",
  async (count) => {
    const events = Array.from(
      { length: 512 },
      (_, index) => ({ ...sampleEvents()[0]!, decision: decisions[index & 7]! }),
    );
    for (let index = 0; index < count; index += 512) {
      await exporter.export!(
        { id: "x", events: events as never, providerKinds: new Map() },
        new AbortController().signal,
      );
    }
  },
);
process.exit(0);
