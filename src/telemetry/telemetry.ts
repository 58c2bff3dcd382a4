import type { Clock } from "../lib/clock.ts";
import type { ScrapedMetrics } from "../plugin/api/exporter.ts";
import type { Decision } from "../schema/decision.ts";
import type { MetricSource, ReportMetric } from "../schema/metrics.ts";
import type { AlertEvent, AuditEntry, BreakerEvent } from "../schema/telemetry-event.ts";
import type { TelemetrySettings } from "../schema/telemetry-settings.ts";
import { TelemetryBus } from "./bus.ts";
import type { ExporterWorker } from "./exporter-worker.ts";
import { MetricRegistry } from "./metrics/metric-registry.ts";
import { RequestMetrics } from "./metrics/request-metrics.ts";
import { Tracer } from "./tracing/tracer.ts";

/** An alert as the part that gives it says it. */
export type Alert = Omit<AlertEvent, "type" | "time">;

export interface TelemetryOptions {
  readonly clock: Clock;
  /** Told of a metric source that threw; must not throw. */
  readonly onError: (error: unknown) => void;
}

/** An exporter that runs. */
export interface RunningExporter {
  readonly worker: ExporterWorker;
  /** It sends spans. */
  readonly traces: boolean;
}

/**
 * Where everything that happens is told. Nothing here waits or throws: what is told is put into queues, and counted and sent from there.
 */
export class Telemetry implements MetricSource {
  readonly bus = new TelemetryBus();
  readonly metrics: MetricRegistry;
  readonly traces = new Tracer({ on: false, sampleRatio: 1, trustParent: true, propagate: true });
  readonly #clock: Clock;
  readonly #requests: RequestMetrics;
  readonly #refused = new Map<number, number>();
  readonly #alerts = new Map<string, { readonly kind: string; readonly severity: string; count: number }>();
  #teams: readonly string[] = [];
  #providerKinds: ReadonlyMap<string, string> = new Map();
  #withdraw: readonly (() => void)[] = [];

  constructor({ clock, onError }: TelemetryOptions) {
    this.#clock = clock;
    this.metrics = new MetricRegistry(onError);
    this.#requests = new RequestMetrics({ clock, teams: () => this.#teams });
    this.metrics.register(this.#requests);
    this.metrics.register(this);
  }

  /** The plugin kind of each provider, by the provider's name. */
  get providerKinds(): ReadonlyMap<string, string> {
    return this.#providerKinds;
  }

  /** From now on these exporters. Those that are no more are left for the caller to close. */
  configure(
    { tracing, metrics }: TelemetrySettings,
    exporters: readonly RunningExporter[],
    providerKinds: ReadonlyMap<string, string>,
  ): void {
    this.#providerKinds = providerKinds;
    this.#teams = metrics.teams;
    this.traces.configure({
      on: tracing.mode === "on" || (tracing.mode === "auto" && exporters.some(({ traces }) => traces)),
      sampleRatio: tracing.sample_ratio,
      trustParent: tracing.trust_parent,
      propagate: tracing.propagate,
    });
    const workers = exporters.map(({ worker }) => worker);
    this.bus.use(workers);
    for (const withdraw of this.#withdraw) withdraw();
    this.#withdraw = workers.map((worker) => this.metrics.register(worker));
  }

  /** An inference request has ended. */
  record(decision: Decision): void {
    this.#requests.record(decision);
    if (this.bus.wants("request")) this.bus.publish({ type: "request", time: decision.time, decision });
  }

  /** Something that somebody should look at. */
  alert(alert: Alert): void {
    const key = `${alert.kind} ${alert.severity}`;
    const known = this.#alerts.get(key);
    if (known === undefined) this.#alerts.set(key, { kind: alert.kind, severity: alert.severity, count: 1 });
    else known.count++;
    if (this.bus.wants("alert")) this.bus.publish({ type: "alert", time: this.#now(), ...alert });
  }

  /** An entry was made in the audit log. */
  audited(entry: AuditEntry): void {
    if (this.bus.wants("audit")) this.bus.publish({ type: "audit", ...entry });
  }

  breakerChanged(change: Omit<BreakerEvent, "type" | "time">): void {
    this.bus.publish({ type: "breaker", time: this.#now(), ...change });
  }

  /** A request was answered with an error before it was one for the decision log. */
  refused(status: number): void {
    this.#refused.set(status, (this.#refused.get(status) ?? 0) + 1);
  }

  /** The metrics for whoever asks; undefined when no exporter has a form for them. */
  scrape(): ScrapedMetrics | undefined {
    const exporter = this.bus.workers.find((worker) => worker.exporter.scrape !== undefined)?.exporter;
    return exporter?.scrape?.(this.metrics.collect());
  }

  collect(report: ReportMetric): void {
    for (const [status, count] of this.#refused) {
      report("intellirouter_refused_requests_total", count, { status: String(status) });
    }
    for (const { kind, severity, count } of this.#alerts.values()) {
      report("intellirouter_alerts_total", count, { kind, severity });
    }
  }

  /** Sends what waits everywhere, in no more than the bound, in milliseconds. */
  async close(boundMs: number): Promise<void> {
    this.#requests.close();
    await this.bus.close(boundMs);
  }

  #now(): string {
    return new Date(this.#clock.now()).toISOString();
  }
}
