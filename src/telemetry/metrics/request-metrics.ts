import type { Clock, TimerHandle } from "../../lib/clock.ts";
import type { Decision } from "../../schema/decision.ts";
import type { MetricSource, ReportMetric } from "../../schema/metrics.ts";
import { OperationSeries, RequestSeries, TargetSeries } from "./request-series.ts";

const countAfterMs = 500;
const countAtRecords = 256;

/** With a target `provider/*` clients choose the names; what comes after so many is counted together. */
const mostSeries = 2_000;
const overflow = "other";

export interface RequestMetricsOptions {
  readonly clock: Clock;
  /** The teams that are told apart; the rest is `other`. With none there is no label `team`. */
  readonly teams: () => readonly string[];
}

/**
 * The metrics of requests, counted from their decision records. Taking a record costs an array push; many are counted at a time, away
 * from the requests, and at the latest when somebody reads them.
 */
export class RequestMetrics implements MetricSource {
  readonly #options: RequestMetricsOptions;
  #pending: Decision[] = [];
  #timer: TimerHandle | undefined;
  /** Series of a team's requests by operation, route and target. */
  readonly #byTeam = new Map<string | undefined, SeriesByOperation>();
  readonly #byTarget = new Map<string, TargetSeries>();
  readonly #byOperation = new Map<string, OperationSeries>();
  /** By guardrail and verdict; both are names of the configuration or of a closed list. */
  readonly #verdicts = new Map<string, Map<string, number>>();
  #series = 0;

  constructor(options: RequestMetricsOptions) {
    this.#options = options;
  }

  /** Never throws and never waits. */
  record(decision: Decision): void {
    this.#pending.push(decision);
    if (this.#pending.length >= countAtRecords) this.#count();
    else this.#timer ??= this.#options.clock.setTimeout(() => this.#count(), countAfterMs);
  }

  collect(report: ReportMetric): void {
    this.#count();
    for (const byOperation of this.#byTeam.values()) {
      for (const byRoute of byOperation.values()) {
        for (const byTarget of byRoute.values()) {
          for (const series of byTarget.values()) series.report(report);
        }
      }
    }
    for (const series of this.#byTarget.values()) series.report(report);
    for (const series of this.#byOperation.values()) series.report(report);
    for (const [guardrail, verdicts] of this.#verdicts) {
      for (const [verdict, count] of verdicts) {
        report("intellirouter_guardrail_verdicts_total", count, { guardrail, verdict });
      }
    }
  }

  close(): void {
    this.#count();
  }

  #count(): void {
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    const decisions = this.#pending;
    this.#pending = [];
    const teams = this.#options.teams();
    for (const decision of decisions) {
      const { team } = decision;
      const shown = teams.length === 0
        ? undefined
        : team !== undefined && teams.includes(team)
        ? team
        : overflow;
      this.#seriesOf(decision, shown).add(decision);
      const operation = this.#operation(decision.operation);
      operation.overhead.observe(decision.timing.gateway_ms / 1000);
      operation.queue.observe(decision.timing.queue_ms / 1000);
      if (decision.attempts.length > 0) this.#countAttempts(decision);
      else if (decision.outcome === "error") operation.rejected(decision.error_code ?? "");
      for (const { stage, name = "", action } of decision.stages ?? []) {
        if (stage === "guardrail") {
          of(this.#verdicts, name).set(action, (this.#verdicts.get(name)!.get(action) ?? 0) + 1);
        }
      }
    }
  }

  #countAttempts({ attempts }: Decision): void {
    let before: string | undefined;
    for (const attempt of attempts) {
      const series = this.#target(attempt.target);
      series.add(attempt);
      if (before === attempt.target) series.retries++;
      else if (before !== undefined) series.fallbacks++;
      before = attempt.target;
    }
  }

  #seriesOf({ operation, route = "", target = "" }: Decision, team: string | undefined): RequestSeries {
    const byRoute = of(of(this.#byTeam, team), operation);
    const known = byRoute.get(route)?.get(target);
    if (known !== undefined) return known;
    const shown = this.#series >= mostSeries ? overflow : target;
    const byTarget = of(byRoute, route);
    let series = byTarget.get(shown);
    if (series === undefined) {
      series = new RequestSeries({
        operation,
        route,
        target: shown,
        ...(team === undefined ? {} : { team }),
      });
      byTarget.set(shown, series);
      this.#series++;
    }
    return series;
  }

  #target(target: string): TargetSeries {
    const known = this.#byTarget.get(target);
    if (known !== undefined) return known;
    const shown = this.#byTarget.size >= mostSeries ? overflow : target;
    let series = this.#byTarget.get(shown);
    if (series === undefined) this.#byTarget.set(shown, series = new TargetSeries(shown));
    return series;
  }

  #operation(operation: string): OperationSeries {
    let series = this.#byOperation.get(operation);
    if (series === undefined) {
      this.#byOperation.set(operation, series = new OperationSeries(operation));
    }
    return series;
  }
}

type SeriesByTarget = Map<string, RequestSeries>;
type SeriesByRoute = Map<string, SeriesByTarget>;
type SeriesByOperation = Map<string, SeriesByRoute>;

/** The inner map of a key, made when it is not there. */
function of<Key, Inner extends Map<unknown, unknown>>(map: Map<Key, Inner>, key: Key): Inner {
  let inner = map.get(key);
  if (inner === undefined) map.set(key, inner = new Map() as Inner);
  return inner;
}
