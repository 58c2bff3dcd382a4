import { expect, test } from "bun:test";
import { FakeClock } from "../../test/support/fake-clock.ts";
import type { BreakerEvent } from "../schema/telemetry-event.ts";
import { telemetrySchema } from "../schema/telemetry-settings.ts";
import { ExporterWorker } from "../telemetry/exporter-worker.ts";
import { Telemetry } from "../telemetry/telemetry.ts";
import { type BreakerWatch, watchBreakers } from "./watch-breakers.ts";

type Listed = ReturnType<BreakerWatch["states"]["list"]>;

function watched() {
  const clock = new FakeClock();
  const telemetry = new Telemetry({ clock, onError: () => {} });
  const told: string[] = [];
  const worker = new ExporterWorker({
    name: "test",
    exporter: {
      export: ({ events }) => {
        told.push(...events.map((event) => {
          const { target, from, to } = event as BreakerEvent;
          return `${target}: ${from} → ${to}`;
        }));
        return Promise.resolve();
      },
    },
    events: new Set(["breaker"]),
    maxQueue: 100,
    maxBatch: 100,
    intervalMs: 0,
    timeoutMs: 1_000,
    metricsIntervalMs: 0,
    clock,
    random: Math.random,
    providerKinds: () => new Map(),
    metrics: () => [],
    onError: () => {},
  });
  let states: Listed = [];
  const stop = watchBreakers({ telemetry, clock, states: { list: () => states } });
  const listen = () => telemetry.configure(telemetrySchema.parse({}), [{ worker, traces: false }], new Map());
  return { clock, telemetry, told, stop, listen, set: (next: Listed) => (states = next) };
}

test("a circuit that opens, tries and closes is told of, each change once", async () => {
  const { clock, told, set, listen, stop } = watched();
  listen();
  for (const state of ["closed", "open", "open", "half-open", "closed"] as const) {
    set([{ target: "up/m", state, outstanding: 0 }, { target: "up/n", state: "closed", outstanding: 0 }]);
    await clock.advance(1_000);
  }
  await clock.advance(1);
  expect(told).toEqual(["up/m: closed → open", "up/m: open → half-open", "up/m: half-open → closed"]);
  stop();
  expect(clock.pending).toBe(0);
});

test("a target that is out when somebody begins to listen is told of", async () => {
  const { clock, told, set, listen } = watched();
  set([{ target: "up/m", state: "credential", outstanding: 0 }]);
  await clock.advance(5_000);
  listen();
  await clock.advance(1_001);
  expect(told).toEqual(["up/m: closed → credential"]);
});

test("the metrics have one state of each target set, and the others not", () => {
  const { telemetry, set } = watched();
  set([{ target: "up/m", state: "open", outstanding: 3 }]);
  const families = new Map(telemetry.metrics.collect().map(({ name, samples }) => [name, samples]));
  const byState = families.get("intellirouter_breaker_state")!.map((
    { labels, value },
  ) => [labels.state, value]);
  expect(Object.fromEntries(byState)).toEqual({
    closed: 0,
    "half-open": 0,
    open: 1,
    cooling: 0,
    credential: 0,
  });
  expect(families.get("intellirouter_target_outstanding_requests")![0]!.value).toBe(3);
});
