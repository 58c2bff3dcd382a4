import type { MetricFamily } from "../../schema/metrics.ts";
import type { TelemetryEvent } from "../../schema/telemetry-event.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";

/** One event of each kind, and of requests those that differ most: an answer after a fallback, and a refusal. */
export function sampleEvents(): readonly TelemetryEvent[] {
  return [
    {
      type: "request",
      time: "2026-01-02T03:04:05.678Z",
      decision: {
        id: "dec_1",
        time: "2026-01-02T03:04:05.678Z",
        request_id: "req_1",
        operation: "chat",
        model: "smart",
        route: "smart",
        route_index: 0,
        strategy: "priority",
        principal: "key-1",
        stream: true,
        policy: "0123456789ab",
        candidates: [{ target: "edge/llama", rank: 1 }, { target: "cloud/gpt", rank: 2 }],
        attempts: [
          {
            target: "edge/llama",
            span_id: "00f067aa0ba902b7",
            outcome: "error",
            error: "overloaded",
            message: "too busy",
            status: 503,
            start_ms: 0.2,
            duration_ms: 12,
          },
          {
            target: "cloud/gpt",
            span_id: "00f067aa0ba902b8",
            outcome: "ok",
            start_ms: 15,
            first_token_ms: 200,
            duration_ms: 1_500,
          },
        ],
        target: "cloud/gpt",
        outcome: "ok",
        status: 200,
        usage: {
          prompt_tokens: 100,
          completion_tokens: 20,
          cached_tokens: 60,
          cache_write_tokens: 3,
          reasoning_tokens: 5,
          estimated: false,
        },
        cost_usd: 0.001,
        trace: {
          trace_id: traceId,
          span_id: "b7ad6b7169203331",
          parent_span_id: "b7ad6b7169203330",
          sampled: true,
        },
        chunks: { count: 10, mean_ms: 20, max_ms: 90 },
        timing: { queue_ms: 0.2, first_token_ms: 215, total_ms: 1_516, gateway_ms: 4 },
      },
    },
    {
      type: "request",
      time: "2026-01-02T03:04:06.000Z",
      decision: {
        id: "dec_2",
        time: "2026-01-02T03:04:06.000Z",
        request_id: "req_2",
        operation: "embeddings",
        model: "nothing",
        principal: "key-1",
        stream: false,
        policy: "0123456789ab",
        candidates: [],
        attempts: [],
        outcome: "error",
        status: 404,
        error: "There is no model of that name.",
        trace: { trace_id: traceId, span_id: "b7ad6b7169203332", sampled: true },
        timing: { queue_ms: 0.1, total_ms: 0.1, gateway_ms: 0.1 },
      },
    },
    {
      type: "audit",
      sequence: 1,
      time: "2026-01-02T03:04:07.000Z",
      actor: "key-1",
      action: "key.create",
      resource: "key:key-2",
      outcome: "ok",
      details: { roles: ["developer"] },
      previous_hash: "0".repeat(64),
      hash: "1".repeat(64),
    },
    {
      type: "alert",
      time: "2026-01-02T03:04:08.000Z",
      kind: "budget",
      severity: "warning",
      message: "The monthly budget of team:core has reached 80 %.",
      attributes: { account: "team:core", threshold: 0.8 },
    },
    { type: "breaker", time: "2026-01-02T03:04:09.000Z", target: "edge/llama", from: "closed", to: "open" },
  ];
}

/** One metric of each type, with what is hard to write down. */
export function sampleFamilies(): readonly MetricFamily[] {
  return [
    {
      name: "sample_requests_total",
      type: "counter",
      unit: "requests",
      help: 'A backslash \\ and\na line break and "quotes".',
      labels: ["target"],
      samples: [
        { labels: { target: 'a "quoted" \\ target\nin two lines' }, value: 3 },
        { labels: { target: "b" }, value: 0 },
      ],
    },
    {
      name: "sample_temperature_celsius",
      type: "gauge",
      unit: "",
      help: "Below zero.",
      labels: [],
      samples: [{ labels: {}, value: -1.5 }],
    },
    {
      name: "sample_duration_seconds",
      type: "histogram",
      unit: "seconds",
      help: "Some durations.",
      labels: ["target"],
      buckets: [0.5, 1],
      samples: [{
        labels: { target: "b" },
        value: { bounds: [0.5, 1], counts: [2, 1, 4], sum: 11.5, count: 7 },
      }],
    },
    {
      name: "sample_pause_seconds",
      type: "summary",
      unit: "seconds",
      help: "Some pauses.",
      labels: [],
      samples: [{ labels: {}, value: { sum: 2.5, count: 5 } }],
    },
  ];
}
