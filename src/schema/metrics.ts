/**
 * Every metric of the gateway: the one table from which the code registers them and the reference page is made. To add one, add a row
 * and report it from a `MetricSource`.
 *
 * Labels have few values each: names of the configuration and closed lists. Keys, users and requests are in the ledger and in the
 * decision records.
 */
import type { HistogramReading } from "../lib/histogram.ts";

export interface MetricDescription {
  readonly type: "counter" | "gauge" | "histogram" | "summary";
  readonly help: string;
  readonly unit: string;
  readonly labels: readonly string[];
  /** Upper bounds of a histogram's buckets. */
  readonly buckets?: readonly number[];
}

/** Seconds; answers of models take from milliseconds to many minutes. */
const answerSeconds = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 600];
/** Seconds; what the gateway itself takes is far below a millisecond. */
const overheadSeconds = [
  0.000_05,
  0.000_1,
  0.000_2,
  0.000_5,
  0.001,
  0.002,
  0.005,
  0.01,
  0.025,
  0.05,
  0.1,
  0.25,
  0.5,
  1,
  5,
];
const pauseSeconds = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const redisSeconds = [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1];
const lagSeconds = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];

const served = ["operation", "route", "target"] as const;

export const metricTable = {
  intellirouter_requests_total: {
    type: "counter",
    help:
      "Finished inference requests. `target` is the one that served, empty when none did; `status` is the class of the HTTP status.",
    unit: "requests",
    labels: [...served, "provider", "outcome", "status"],
  },
  intellirouter_request_duration_seconds: {
    type: "histogram",
    help: "From the arrival of a request to the last byte of its answer.",
    unit: "seconds",
    labels: served,
    buckets: answerSeconds,
  },
  intellirouter_gateway_overhead_seconds: {
    type: "histogram",
    help: "The part of a request's time in which no backend was waited for: what the gateway itself adds.",
    unit: "seconds",
    labels: ["operation"],
    buckets: overheadSeconds,
  },
  intellirouter_queue_seconds: {
    type: "histogram",
    help: "From the arrival of a request to its first dispatch to a backend.",
    unit: "seconds",
    labels: ["operation"],
    buckets: overheadSeconds,
  },
  intellirouter_time_to_first_token_seconds: {
    type: "histogram",
    help: "From the arrival of a streamed request to the first token of its answer.",
    unit: "seconds",
    labels: served,
    buckets: answerSeconds,
  },
  intellirouter_inter_chunk_seconds: {
    type: "summary",
    help: "Waiting for the next piece of a streamed answer. Sum and count are exact, over every piece.",
    unit: "seconds",
    labels: served,
  },
  intellirouter_longest_inter_chunk_seconds: {
    type: "histogram",
    help: "The longest wait for a piece within one streamed answer.",
    unit: "seconds",
    labels: served,
    buckets: pauseSeconds,
  },
  intellirouter_tokens_total: {
    type: "counter",
    help:
      "Tokens by `type`: input (of which cached_input and cache_write), output (of which reasoning). Estimates included.",
    unit: "tokens",
    labels: [...served, "type"],
  },
  intellirouter_cost_usd_total: {
    type: "counter",
    help: "What answers cost by the known prices, in US dollars.",
    unit: "US dollars",
    labels: served,
  },
  intellirouter_unpriced_requests_total: {
    type: "counter",
    help: "Answers of targets whose price is unknown, so that their cost is in no sum.",
    unit: "requests",
    labels: served,
  },
  intellirouter_cache_hits_total: {
    type: "counter",
    help: "Requests that were answered from the gateway's own cache of answers.",
    unit: "requests",
    labels: served,
  },
  intellirouter_guardrail_verdicts_total: {
    type: "counter",
    help:
      "What guardrails have done: `verdict` is replaced, blocked or failed, with (shadow) behind it where the rule only watches. What passes is not counted.",
    unit: "verdicts",
    labels: ["guardrail", "verdict"],
  },
  intellirouter_rejected_requests_total: {
    type: "counter",
    help:
      "Requests that the gateway itself refused after routing them: `code` is rate_limit_exceeded for a limit, insufficient_quota for a budget, or another code of its errors.",
    unit: "requests",
    labels: ["operation", "code"],
  },
  intellirouter_attempts_total: {
    type: "counter",
    help: "Calls of targets. `error` is the kind of error, empty where there was none.",
    unit: "calls",
    labels: ["target", "provider", "outcome", "error"],
  },
  intellirouter_retries_total: {
    type: "counter",
    help: "Calls of a target right after another call of the same one failed.",
    unit: "calls",
    labels: ["target"],
  },
  intellirouter_fallbacks_total: {
    type: "counter",
    help: "Calls of a target after an earlier target of the same request failed.",
    unit: "calls",
    labels: ["target"],
  },
  intellirouter_refused_requests_total: {
    type: "counter",
    help:
      "Answers with an error status to requests that left no decision record: no key, bad JSON, unknown path.",
    unit: "requests",
    labels: ["status"],
  },
  intellirouter_requests_in_flight: {
    type: "gauge",
    help: "Inference requests that are being served now.",
    unit: "requests",
    labels: [],
  },
  intellirouter_requests_in_flight_limit: {
    type: "gauge",
    help: "How many there may be (server.max_concurrent_requests).",
    unit: "requests",
    labels: [],
  },
  intellirouter_breaker_state: {
    type: "gauge",
    help:
      "1 for the state that a target is in, 0 for the others: closed, half-open, open; cooling and credential are pauses that the target asked for, or a refused credential forced.",
    unit: "",
    labels: ["target", "state"],
  },
  intellirouter_target_outstanding_requests: {
    type: "gauge",
    help: "Calls that a target is working on now.",
    unit: "requests",
    labels: ["target"],
  },
  intellirouter_decision_log_pending_records: {
    type: "gauge",
    help: "Decision records that are not written yet.",
    unit: "records",
    labels: [],
  },
  intellirouter_decision_log_lost_records_total: {
    type: "counter",
    help: "Decision records that could not be written.",
    unit: "records",
    labels: [],
  },
  intellirouter_ledger_pending_records: {
    type: "gauge",
    help: "Rows of the usage ledger that are in its log and not in its database yet.",
    unit: "records",
    labels: [],
  },
  intellirouter_memory_waiting_jobs: {
    type: "gauge",
    help:
      "Work of memory that waits on disk: turns for their store, and conversations to be condensed or learnt from.",
    unit: "jobs",
    labels: ["kind"],
  },
  intellirouter_retrieval_waiting_files: {
    type: "gauge",
    help: "Files of vector stores that wait to be read, or are being read.",
    unit: "files",
    labels: [],
  },
  intellirouter_ledger_durable: {
    type: "gauge",
    help: "1 while the ledger's log can be written; at 0 a crash would lose rows.",
    unit: "",
    labels: [],
  },
  intellirouter_redis_up: {
    type: "gauge",
    help: "1 while there is a connection to Redis. Only where Redis is configured.",
    unit: "",
    labels: [],
  },
  intellirouter_redis_command_duration_seconds: {
    type: "histogram",
    help: "From a command to Redis to its answer or its failure.",
    unit: "seconds",
    labels: [],
    buckets: redisSeconds,
  },
  intellirouter_redis_failures_total: {
    type: "counter",
    help: "Commands to Redis that failed, or took too long.",
    unit: "commands",
    labels: [],
  },
  intellirouter_exporter_queue_events: {
    type: "gauge",
    help: "Events that wait for an exporter.",
    unit: "events",
    labels: ["exporter"],
  },
  intellirouter_exporter_events_total: {
    type: "counter",
    help: "Events that an exporter has taken.",
    unit: "events",
    labels: ["exporter"],
  },
  intellirouter_exporter_dropped_events_total: {
    type: "counter",
    help:
      "Events that were given up. `reason`: queue_full, failed (the exporter refused them, or failed too often), shutdown.",
    unit: "events",
    labels: ["exporter", "reason"],
  },
  intellirouter_exporter_failures_total: {
    type: "counter",
    help: "Tries of an exporter that failed or took too long.",
    unit: "tries",
    labels: ["exporter"],
  },
  intellirouter_audit_records: {
    type: "gauge",
    help: "Entries of the audit log.",
    unit: "records",
    labels: [],
  },
  intellirouter_alerts_total: {
    type: "counter",
    help: "Alerts that the gateway gave.",
    unit: "alerts",
    labels: ["kind", "severity"],
  },
  intellirouter_config_last_reload_successful: {
    type: "gauge",
    help: "1 when the last try to take over a configuration worked, 0 when the old one goes on.",
    unit: "",
    labels: [],
  },
  intellirouter_config_last_reload_timestamp_seconds: {
    type: "gauge",
    help: "When a configuration was last taken over, in seconds since the epoch.",
    unit: "seconds",
    labels: [],
  },
  intellirouter_build_info: {
    type: "gauge",
    help: "Always 1; the labels say what is running.",
    unit: "",
    labels: ["version", "runtime"],
  },
  intellirouter_event_loop_lag_seconds: {
    type: "histogram",
    help: "How late a timer fires that is set every second: what the process's single thread was busy with.",
    unit: "seconds",
    labels: [],
    buckets: lagSeconds,
  },
  process_resident_memory_bytes: {
    type: "gauge",
    help: "Resident memory.",
    unit: "bytes",
    labels: [],
  },
  process_heap_bytes: {
    type: "gauge",
    help: "JavaScript heap in use.",
    unit: "bytes",
    labels: [],
  },
  process_cpu_seconds_total: {
    type: "counter",
    help: "User and system time.",
    unit: "seconds",
    labels: [],
  },
  process_open_fds: {
    type: "gauge",
    help: "Open file descriptors; Linux only.",
    unit: "descriptors",
    labels: [],
  },
  process_max_fds: {
    type: "gauge",
    help: "How many there may be; Linux only.",
    unit: "descriptors",
    labels: [],
  },
  process_start_time_seconds: {
    type: "gauge",
    help: "When the process started, in seconds since the epoch.",
    unit: "seconds",
    labels: [],
  },
} as const satisfies Record<string, MetricDescription>;

export type MetricName = keyof typeof metricTable;

/** Sum and count of values without their distribution. */
export interface SummaryReading {
  readonly sum: number;
  readonly count: number;
}

export type MetricLabels = Readonly<Record<string, string>>;

/** One metric with everything that was reported of it. */
export interface MetricFamily extends MetricDescription {
  readonly name: string;
  readonly samples: readonly MetricSample[];
}

export interface MetricSample {
  /** In the order of the table; a label may be missing. */
  readonly labels: MetricLabels;
  /** A number for counters and gauges. */
  readonly value: number | HistogramReading | SummaryReading;
}

export type ReportMetric = (
  name: MetricName,
  value: MetricSample["value"],
  labels?: MetricLabels,
) => void;

/**
 * A part of the gateway that has something to measure. Asked each time that somebody reads the metrics, so it keeps plain numbers (or
 * a `Histogram`) and costs nothing in between. Must be quick; when it throws, the others are still read.
 */
export interface MetricSource {
  collect(report: ReportMetric): void;
}
