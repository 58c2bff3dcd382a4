import { expect, test } from "bun:test";
import { FakeClock } from "../../../test/support/fake-clock.ts";
import type { HistogramReading } from "../../lib/histogram.ts";
import type { Decision } from "../../schema/decision.ts";
import { metricTable } from "../../schema/metrics.ts";
import { MetricRegistry } from "./metric-registry.ts";
import { RequestMetrics } from "./request-metrics.ts";

function decision(change: Partial<Decision> = {}): Decision {
  return {
    id: "dec_1",
    time: "2026-01-01T00:00:00.000Z",
    request_id: "req_1",
    operation: "chat",
    model: "whatever the client said",
    route: "smart",
    principal: "key-1",
    user: "somebody",
    stream: true,
    policy: "p",
    candidates: [],
    attempts: [{ target: "cloud/gpt", outcome: "ok", start_ms: 1, duration_ms: 10 }],
    target: "cloud/gpt",
    outcome: "ok",
    status: 200,
    usage: {
      prompt_tokens: 100,
      completion_tokens: 20,
      cached_tokens: 60,
      cache_write_tokens: 0,
      reasoning_tokens: 5,
      estimated: false,
    },
    cost_usd: 0.25,
    chunks: { count: 10, mean_ms: 20, max_ms: 90 },
    timing: { queue_ms: 0.08, first_token_ms: 300, total_ms: 2_000, gateway_ms: 0.3 },
    ...change,
  };
}

function counted(decisions: readonly Decision[], teams: readonly string[] = []) {
  const metrics = new RequestMetrics({ clock: new FakeClock(), teams: () => teams });
  const registry = new MetricRegistry((error) => {
    throw error;
  });
  registry.register(metrics);
  decisions.forEach((one) => metrics.record(one));
  const families = registry.collect();
  const all = (name: string) => families.find((family) => family.name === name)?.samples ?? [];
  const value = (name: string, labels: Record<string, string> = {}) =>
    all(name).find((sample) => Object.entries(labels).every(([label, text]) => sample.labels[label] === text))
      ?.value;
  return { families, all, value };
}

const served = { operation: "chat", route: "smart", target: "cloud/gpt" };

test("requests, tokens, money and times are counted by route and target", () => {
  const { value } = counted([decision(), decision({ outcome: "truncated" }), decision({ outcome: "ok" })]);
  const requests = "intellirouter_requests_total";
  expect(value(requests, { ...served, provider: "cloud", outcome: "ok", status: "2xx" })).toBe(2);
  expect(value(requests, { outcome: "truncated" })).toBe(1);
  const tokens = (type: string) => value("intellirouter_tokens_total", { ...served, type });
  expect(["input", "cached_input", "output", "reasoning", "cache_write"].map(tokens)).toEqual([
    300,
    180,
    60,
    15,
    undefined,
  ]);
  expect(value("intellirouter_cost_usd_total", served)).toBe(0.75);
  expect(value("intellirouter_inter_chunk_seconds", served)).toEqual({ sum: expect.closeTo(0.6), count: 30 });
  const first = value("intellirouter_time_to_first_token_seconds", served) as HistogramReading;
  expect([first.count, first.sum]).toEqual([3, expect.closeTo(0.9)]);
  const overhead = value("intellirouter_gateway_overhead_seconds", { operation: "chat" }) as HistogramReading;
  expect([...Array.from(overhead.counts)].findIndex((count) => count > 0)).toBe(
    overhead.bounds.indexOf(0.0005),
  );
});

test("a value on a bucket's bound is in that bucket", () => {
  const { value } = counted([decision({ timing: { queue_ms: 0, total_ms: 100, gateway_ms: 1 } })]);
  const overhead = value("intellirouter_gateway_overhead_seconds") as HistogramReading;
  expect(overhead.counts[overhead.bounds.indexOf(0.001)]).toBe(1);
});

test("another call of the same target is a retry, one of the next a fallback", () => {
  const attempt = (target: string, error?: string) => ({
    target,
    outcome: error === undefined ? "ok" as const : "error" as const,
    ...(error === undefined ? {} : { error }),
    start_ms: 0,
    duration_ms: 1,
  });
  const { value } = counted([
    decision({ attempts: [attempt("a/m", "overloaded"), attempt("a/m", "timeout"), attempt("b/m")] }),
  ]);
  expect(value("intellirouter_retries_total", { target: "a/m" })).toBe(1);
  expect(value("intellirouter_fallbacks_total", { target: "b/m" })).toBe(1);
  expect(value("intellirouter_attempts_total", { target: "a/m", outcome: "error", error: "timeout" })).toBe(
    1,
  );
  expect(value("intellirouter_attempts_total", { target: "b/m", provider: "b", outcome: "ok", error: "" }))
    .toBe(1);
});

test("a request that nobody served is counted, and an unknown price is no price of 0", () => {
  const { target: _target, usage: _usage, cost_usd: _cost, ...bare } = decision();
  const { cost_usd: _price, ...unpriced } = decision();
  const { value } = counted([{ ...bare, outcome: "error", status: 429, attempts: [] }, unpriced]);
  expect(value("intellirouter_requests_total", { target: "", outcome: "error", status: "4xx" })).toBe(1);
  expect(value("intellirouter_unpriced_requests_total", served)).toBe(1);
  expect(value("intellirouter_cost_usd_total")).toBeUndefined();
});

test("what the cache answers, and what limits and budgets refuse, is counted apart", () => {
  const { cost_usd: _cost, usage: _usage, ...bare } = decision({ attempts: [] });
  const { value } = counted([
    { ...bare, cached: true, cost_usd: 0 },
    { ...bare, outcome: "error", status: 429, error_code: "insufficient_quota" },
    { ...bare, outcome: "error", status: 429, error_code: "rate_limit_exceeded" },
    { ...bare, outcome: "cancelled", status: 499, error_code: "client_closed_request" },
    decision({ outcome: "error", status: 400, error_code: "from_the_backend" }),
  ]);
  expect(value("intellirouter_cache_hits_total", served)).toBe(1);
  const rejected = (code: string) =>
    value("intellirouter_rejected_requests_total", { operation: "chat", code });
  expect(
    ["insufficient_quota", "rate_limit_exceeded", "client_closed_request", "from_the_backend"].map(rejected),
  )
    .toEqual([1, 1, undefined, undefined]);
});

test("keys, users and what clients write are in no label", () => {
  const text = JSON.stringify(counted([decision()]).families);
  for (const hidden of ["key-1", "somebody", "whatever the client said"]) expect(text).not.toContain(hidden);
});

test("only listed teams are told apart", () => {
  const { all } = counted(
    [decision({ team: "red" }), decision({ team: "blue" }), decision(), decision({ team: "green" })],
    ["red"],
  );
  const byTeam = all("intellirouter_requests_total").map(({ labels, value }) => [labels.team, value]);
  expect(byTeam.toSorted()).toEqual([["other", 3], ["red", 1]]);
  expect(counted([decision({ team: "red" })]).all("intellirouter_requests_total")[0]!.labels).not
    .toHaveProperty("team");
});

test("names that clients choose cannot make the metrics grow without end", () => {
  const { all, value } = counted(
    Array.from({ length: 2_500 }, (_, index) => {
      const target = `cloud/model-${index}`;
      return decision({ target, attempts: [{ target, outcome: "ok", start_ms: 0, duration_ms: 1 }] });
    }),
  );
  expect(all("intellirouter_requests_total")).toHaveLength(2_001);
  expect(value("intellirouter_requests_total", { target: "other" })).toBe(500);
  expect(value("intellirouter_attempts_total", { target: "other" })).toBe(500);
});

test("every reported label is in the table", () => {
  const { families } = counted([decision({ team: "red" })], ["red"]);
  for (const { name, samples } of families) {
    const known: readonly string[] = metricTable[name as keyof typeof metricTable].labels;
    for (const { labels } of samples) {
      expect(Object.keys(labels).filter((label) => !known.includes(label) && label !== "team")).toEqual([]);
    }
  }
});

test("a source that throws does not keep the others from being read", () => {
  const errors: unknown[] = [];
  const registry = new MetricRegistry((error) => errors.push(error));
  registry.register({
    collect() {
      throw new Error("broken");
    },
  });
  const withdraw = registry.register({ collect: (report) => report("intellirouter_audit_records", 3) });
  expect(registry.collect().map(({ name, samples }) => [name, samples[0]!.value])).toEqual([[
    "intellirouter_audit_records",
    3,
  ]]);
  expect(errors).toHaveLength(1);
  withdraw();
  expect(registry.collect()).toEqual([]);
});
