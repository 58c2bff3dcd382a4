import { Histogram } from "../../lib/histogram.ts";
import type { AttemptRecord, Decision } from "../../schema/decision.ts";
import { type MetricLabels, metricTable, type ReportMetric } from "../../schema/metrics.ts";

const outcomes = ["ok", "error", "cancelled", "truncated"] as const satisfies readonly Decision["outcome"][];
const statusClasses = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/** The provider's name of `provider/model`. */
function providerOf(target: string): string {
  const slash = target.indexOf("/");
  return slash < 0 ? target : target.slice(0, slash);
}

/** The numbers of the requests that have all labels in common. */
export class RequestSeries {
  readonly #labels: MetricLabels;
  readonly #finished = new Float64Array(outcomes.length * statusClasses.length);
  readonly #duration = new Histogram(metricTable.intellirouter_request_duration_seconds.buckets);
  readonly #firstToken = new Histogram(metricTable.intellirouter_time_to_first_token_seconds.buckets);
  readonly #longestPause = new Histogram(metricTable.intellirouter_longest_inter_chunk_seconds.buckets);
  readonly #tokens = { input: 0, cached_input: 0, cache_write: 0, output: 0, reasoning: 0 };
  #pauses = 0;
  #paused = 0;
  #cost = 0;
  #unpriced = 0;
  #cacheHits = 0;

  /** @param labels operation, route and target, and the team where teams are told apart. */
  constructor(labels: MetricLabels) {
    this.#labels = labels;
  }

  add({ outcome, status, timing, chunks, usage, cached, cost_usd: cost }: Decision): void {
    const statusClass = Math.min(4, Math.max(0, Math.floor(status / 100) - 1));
    this.#finished[outcomes.indexOf(outcome) * statusClasses.length + statusClass]!++;
    this.#duration.observe(timing.total_ms / 1000);
    if (timing.first_token_ms !== undefined) this.#firstToken.observe(timing.first_token_ms / 1000);
    if (chunks !== undefined) {
      this.#pauses += chunks.count;
      this.#paused += (chunks.mean_ms * chunks.count) / 1000;
      this.#longestPause.observe(chunks.max_ms / 1000);
    }
    if (cached) this.#cacheHits++;
    if (usage === undefined) return;
    this.#tokens.input += usage.prompt_tokens;
    this.#tokens.cached_input += usage.cached_tokens;
    this.#tokens.cache_write += usage.cache_write_tokens;
    this.#tokens.output += usage.completion_tokens;
    this.#tokens.reasoning += usage.reasoning_tokens;
    if (cost === undefined && !cached) this.#unpriced++;
    else this.#cost += cost ?? 0;
  }

  report(report: ReportMetric): void {
    const labels = this.#labels;
    const provider = providerOf(labels.target!);
    this.#finished.forEach((count, index) => {
      if (count === 0) return;
      report("intellirouter_requests_total", count, {
        ...labels,
        provider,
        outcome: outcomes[Math.floor(index / statusClasses.length)]!,
        status: statusClasses[index % statusClasses.length]!,
      });
    });
    report("intellirouter_request_duration_seconds", this.#duration, labels);
    if (this.#firstToken.count > 0) {
      report("intellirouter_time_to_first_token_seconds", this.#firstToken, labels);
    }
    if (this.#longestPause.count > 0) {
      report("intellirouter_inter_chunk_seconds", { sum: this.#paused, count: this.#pauses }, labels);
      report("intellirouter_longest_inter_chunk_seconds", this.#longestPause, labels);
    }
    for (const [type, count] of Object.entries(this.#tokens)) {
      if (count > 0) report("intellirouter_tokens_total", count, { ...labels, type });
    }
    if (this.#cost > 0) report("intellirouter_cost_usd_total", this.#cost, labels);
    if (this.#cacheHits > 0) report("intellirouter_cache_hits_total", this.#cacheHits, labels);
    if (this.#unpriced > 0) report("intellirouter_unpriced_requests_total", this.#unpriced, labels);
  }
}

/** The numbers of the calls of one target. */
export class TargetSeries {
  readonly #target: string;
  readonly #ended = new Map<string, { readonly outcome: string; readonly error: string; count: number }>();
  retries = 0;
  fallbacks = 0;

  constructor(target: string) {
    this.#target = target;
  }

  add({ outcome, error = "" }: AttemptRecord): void {
    const key = error === "" ? outcome : `${outcome} ${error}`;
    const known = this.#ended.get(key);
    if (known === undefined) this.#ended.set(key, { outcome, error, count: 1 });
    else known.count++;
  }

  report(report: ReportMetric): void {
    const target = this.#target;
    for (const { outcome, error, count } of this.#ended.values()) {
      report("intellirouter_attempts_total", count, { target, provider: providerOf(target), outcome, error });
    }
    if (this.retries > 0) report("intellirouter_retries_total", this.retries, { target });
    if (this.fallbacks > 0) report("intellirouter_fallbacks_total", this.fallbacks, { target });
  }
}

/** The numbers of the requests of one operation. */
export class OperationSeries {
  readonly overhead = new Histogram(metricTable.intellirouter_gateway_overhead_seconds.buckets);
  readonly queue = new Histogram(metricTable.intellirouter_queue_seconds.buckets);
  readonly #operation: string;
  readonly #rejected = new Map<string, number>();

  constructor(operation: string) {
    this.#operation = operation;
  }

  rejected(code: string): void {
    this.#rejected.set(code, (this.#rejected.get(code) ?? 0) + 1);
  }

  report(report: ReportMetric): void {
    const operation = this.#operation;
    report("intellirouter_gateway_overhead_seconds", this.overhead, { operation });
    report("intellirouter_queue_seconds", this.queue, { operation });
    for (const [code, count] of this.#rejected) {
      report("intellirouter_rejected_requests_total", count, { operation, code });
    }
  }
}
