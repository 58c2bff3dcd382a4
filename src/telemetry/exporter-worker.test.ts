import { expect, test } from "bun:test";
import { FakeClock, settle } from "../../test/support/fake-clock.ts";
import { type ExportBatch, type Exporter, ExportError } from "../plugin/api/exporter.ts";
import type { AlertEvent } from "../schema/telemetry-event.ts";
import { TelemetryBus } from "./bus.ts";
import { ExporterWorker, type ExporterWorkerOptions } from "./exporter-worker.ts";

function alert(message: string): AlertEvent {
  return {
    type: "alert",
    time: "2026-01-01T00:00:00Z",
    kind: "test",
    severity: "info",
    message,
    attributes: {},
  };
}

function make(exporter: Exporter, change: Partial<ExporterWorkerOptions> = {}) {
  const clock = new FakeClock();
  const errors: { readonly error: unknown; readonly lost: number }[] = [];
  const worker = new ExporterWorker({
    name: "test",
    exporter,
    events: new Set(["alert", "request"]),
    maxQueue: 10,
    maxBatch: 4,
    intervalMs: 1_000,
    timeoutMs: 5_000,
    metricsIntervalMs: 0,
    clock,
    random: () => 0.5,
    providerKinds: () => new Map(),
    metrics: () => [],
    onError: (_name, error, lost) => errors.push({ error, lost }),
    ...change,
  });
  const publish = (...messages: string[]) => messages.forEach((message) => worker.publish(alert(message)));
  const numbers = () => {
    const read: Record<string, number> = {};
    worker.collect((name, value, labels) => {
      const short = name.replace("intellirouter_exporter_", "");
      read[labels?.reason === undefined ? short : labels.reason] = value as number;
    });
    return read;
  };
  return { clock, worker, errors, publish, numbers };
}

/** Takes batches down. */
function recorder() {
  const batches: ExportBatch[] = [];
  const exporter: Exporter = {
    export: (batch) => {
      batches.push(batch);
      return Promise.resolve();
    },
  };
  const messages = () =>
    batches.map(({ events }) => events.map((event) => (event as AlertEvent).message).join(""));
  return { batches, exporter, messages };
}

test("events go out in batches, by number and by time", async () => {
  const { exporter, messages } = recorder();
  const { clock, publish } = make(exporter);
  publish("a", "b");
  await clock.advance(999);
  expect(messages()).toEqual([]);
  await clock.advance(1);
  expect(messages()).toEqual(["ab"]);
  publish("c", "d", "e", "f", "g");
  await clock.advance(0);
  expect(messages()).toEqual(["ab", "cdef"]);
  await clock.advance(1_000);
  expect(messages()).toEqual(["ab", "cdef", "g"]);
  expect(clock.pending).toBe(0);
});

test("a full queue drops what comes, and counts it", async () => {
  const release = Promise.withResolvers<void>();
  const { clock, publish, numbers } = make({ export: () => release.promise });
  publish(..."abcdefghijkl");
  expect(numbers()).toMatchObject({ queue_events: 10, queue_full: 2 });
  await clock.advance(0);
  publish("m");
  expect(numbers()).toMatchObject({ queue_events: 10, queue_full: 3, events_total: 0 });
  release.resolve();
  await clock.advance(1_000);
  expect(numbers()).toMatchObject({ queue_events: 0, events_total: 10 });
});

test("a batch that is refused for now is sent again, the same, after longer and longer pauses", async () => {
  const ids: string[] = [];
  const times: number[] = [];
  const { clock, publish, numbers } = make({
    export: (batch) => {
      ids.push(batch.id);
      times.push(clock.now());
      return ids.length < 4 ? Promise.reject(new Error("not now")) : Promise.resolve();
    },
  });
  publish("a");
  await clock.advance(60_000);
  expect(new Set(ids).size).toBe(1);
  expect(times.slice(1).map((time, index) => time - times[index]!)).toEqual([750, 1_500, 3_000]);
  expect(numbers()).toMatchObject({ events_total: 1, failures_total: 3, failed: 0 });
});

test("the pause that a receiver asks for is kept", async () => {
  const times: number[] = [];
  const { clock, publish } = make({
    export: () => {
      times.push(clock.now());
      return times.length > 1
        ? Promise.resolve()
        : Promise.reject(new ExportError({ message: "busy", retryable: true, retryAfterMs: 20_000 }));
    },
  });
  publish("a");
  await clock.advance(60_000);
  expect(times[1]! - times[0]!).toBe(20_000);
});

test("a batch that is refused for good is given up at once, and one that fails too often in the end", async () => {
  let calls = 0;
  const refusing = make({
    export: () => {
      calls++;
      throw new ExportError({ message: "never", retryable: false });
    },
  });
  refusing.publish("a", "b");
  await refusing.clock.advance(60_000);
  expect(calls).toBe(1);
  expect(refusing.numbers()).toMatchObject({ failed: 2, queue_events: 0 });
  expect(refusing.errors.map(({ lost }) => lost)).toEqual([2]);

  const failing = make({ export: () => Promise.reject(new Error("always")) });
  failing.publish("a");
  await failing.clock.advance(600_000);
  expect(failing.numbers()).toMatchObject({ failures_total: 5, failed: 1, queue_events: 0 });
});

test("an exporter that hangs is told to end, and is not called again before it has", async () => {
  const release = Promise.withResolvers<void>();
  let aborted = false;
  let calls = 0;
  const { clock, publish, numbers, errors } = make({
    export: (_batch, signal) => {
      calls++;
      signal.addEventListener("abort", () => (aborted = true));
      return calls === 1 ? release.promise : Promise.resolve();
    },
  });
  publish("a");
  await clock.advance(6_000);
  expect(aborted).toBe(true);
  expect(String(errors[0]!.error)).toContain("more than 5000 ms");
  await clock.advance(600_000);
  expect(calls).toBe(1);
  release.resolve();
  await clock.advance(60_000);
  expect(calls).toBe(2);
  expect(numbers()).toMatchObject({ events_total: 1, queue_events: 0 });
});

test("at the end what waits is sent, without pauses, and then the exporter is closed", async () => {
  const { exporter, messages } = recorder();
  let closedAfter = -1;
  const { worker, publish, numbers } = make({
    ...exporter,
    close: () => void (closedAfter = messages().length),
  });
  publish(..."abcdefg");
  await worker.close(5_000);
  expect(messages()).toEqual(["abcd", "efg"]);
  expect(closedAfter).toBe(2);
  publish("late");
  expect(numbers()).toMatchObject({ events_total: 7, shutdown: 1 });
});

test("the end waits no longer than it may, and what is left is counted as lost", async () => {
  const { worker, clock, publish, numbers } = make({ export: () => new Promise(() => {}) });
  publish(..."abcdefg");
  const closed = worker.close(2_000);
  let done = false;
  void closed.then(() => (done = true));
  await clock.advance(1_999);
  expect(done).toBe(false);
  await clock.advance(1);
  await settle();
  expect(done).toBe(true);
  expect(numbers()).toMatchObject({ shutdown: 7, events_total: 0 });
});

test("metrics are sent at their interval and once more at the end; a failure is counted and not repeated", async () => {
  let sent = 0;
  const { worker, clock, numbers } = make({
    exportMetrics: () => {
      sent++;
      return sent === 1 ? Promise.reject(new Error("no")) : Promise.resolve();
    },
  }, { metricsIntervalMs: 10_000 });
  await clock.advance(25_000);
  expect(sent).toBe(2);
  expect(numbers()).toMatchObject({ failures_total: 1 });
  await worker.close(1_000);
  expect(sent).toBe(3);
});

test("one exporter that hangs or throws harms no other, and nobody who publishes", async () => {
  const bus = new TelemetryBus();
  const good = recorder();
  const workers = [
    make({ export: () => new Promise(() => {}) }),
    make({
      export: () => {
        throw new Error("broken");
      },
    }),
    make(good.exporter),
    make({ scrape: () => ({ contentType: "", body: "" }) }),
  ];
  bus.use(workers.map(({ worker }) => worker));
  expect([bus.wants("alert"), bus.wants("audit")]).toEqual([true, false]);
  for (let index = 0; index < 100; index++) {
    bus.publish(alert("x"));
    if (index % 4 === 3) await workers[2]!.clock.advance(0);
  }
  expect(good.messages().join("")).toHaveLength(100);
  await workers[0]!.clock.advance(10_000);
  expect(workers[0]!.numbers().queue_full).toBe(90);
  expect(workers[3]!.numbers()).toEqual({});
});
