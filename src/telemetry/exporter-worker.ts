import type { Clock, TimerHandle } from "../lib/clock.ts";
import { type ExportBatch, type Exporter, isExportError } from "../plugin/api/exporter.ts";
import type { MetricFamily, MetricSource, ReportMetric } from "../schema/metrics.ts";
import type { EventType, TelemetryEvent } from "../schema/telemetry-event.ts";

export interface ExporterWorkerOptions {
  /** For metrics and logs. */
  readonly name: string;
  readonly exporter: Exporter;
  /** Other events pass it by. */
  readonly events: ReadonlySet<EventType>;
  /** Events that may wait; what comes then is given up. */
  readonly maxQueue: number;
  readonly maxBatch: number;
  /** Milliseconds that the first of a batch waits for others. */
  readonly intervalMs: number;
  /** Milliseconds for one try. */
  readonly timeoutMs: number;
  /** Milliseconds between two exports of the metrics; 0 is never. */
  readonly metricsIntervalMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly providerKinds: () => ExportBatch["providerKinds"];
  readonly metrics: () => readonly MetricFamily[];
  /** Told of a try that failed, and how many events were given up with it; must not throw. */
  readonly onError: (exporter: string, error: unknown, lost: number) => void;
}

const mostTries = 5;
const firstPauseMs = 1_000;
const longestPauseMs = 60_000;

/**
 * One exporter's queue and the one who empties it. Whatever the exporter does, nobody else notices: publishing is an array push, the
 * queue is bounded, and every call has a time limit. An exporter that does not even end when it is told to is not called again until it
 * has ended.
 */
export class ExporterWorker implements MetricSource {
  readonly exporter: Exporter;
  readonly #options: ExporterWorkerOptions;
  readonly #dropped = { queue_full: 0, failed: 0, shutdown: 0 };
  #queue: TelemetryEvent[] = [];
  /** Events that are on their way out. */
  #underway = 0;
  #exported = 0;
  #failures = 0;
  #timer: TimerHandle | undefined;
  #metricsTimer: TimerHandle | undefined;
  /** The loop that empties the queue, while it runs. */
  #running: Promise<void> | undefined;
  /** The call that runs, which may outlive its time limit. */
  #call: Promise<unknown> = Promise.resolve();
  #controller: AbortController | undefined;
  #endPause: (() => void) | undefined;
  #closing = false;
  /** Nothing is waited for any more. */
  #isOver = false;
  #closed: Promise<void> | undefined;

  constructor(options: ExporterWorkerOptions) {
    this.#options = options;
    this.exporter = options.exporter;
    this.#planMetrics();
  }

  takes(type: EventType): boolean {
    return this.exporter.export !== undefined && this.#options.events.has(type);
  }

  /** Never throws and never waits. */
  publish(event: TelemetryEvent): void {
    if (this.#closing) {
      this.#dropped.shutdown++;
      return;
    }
    const { maxQueue, maxBatch, intervalMs, clock } = this.#options;
    if (this.#queue.length + this.#underway >= maxQueue) {
      this.#dropped.queue_full++;
      return;
    }
    this.#queue.push(event);
    if (this.#running !== undefined) return;
    if (this.#queue.length === maxBatch) {
      if (this.#timer !== undefined) clock.clearTimeout(this.#timer);
      this.#timer = clock.setTimeout(this.#start, 0);
    } else this.#timer ??= clock.setTimeout(this.#start, intervalMs);
  }

  collect(report: ReportMetric): void {
    if (this.exporter.export === undefined && this.exporter.exportMetrics === undefined) return;
    const exporter = this.#options.name;
    report("intellirouter_exporter_queue_events", this.#queue.length + this.#underway, { exporter });
    report("intellirouter_exporter_events_total", this.#exported, { exporter });
    report("intellirouter_exporter_failures_total", this.#failures, { exporter });
    for (const [reason, count] of Object.entries(this.#dropped)) {
      report("intellirouter_exporter_dropped_events_total", count, { exporter, reason });
    }
  }

  /**
   * Sends what waits and closes the exporter. Takes no longer than the bound, in milliseconds; what is left then is given up. Safe to call
   * more than once.
   */
  close(boundMs: number): Promise<void> {
    return this.#closed ??= this.#close(boundMs);
  }

  readonly #start = (): void => {
    this.#timer = undefined;
    this.#running ??= this.#empty().finally(() => {
      this.#running = undefined;
      if (this.#queue.length > 0 && !this.#closing) {
        this.#timer ??= this.#options.clock.setTimeout(this.#start, this.#options.intervalMs);
      }
    });
  };

  /** Sends whole batches, and the first even when it is small. */
  async #empty(): Promise<void> {
    do {
      const events = this.#queue.splice(0, this.#options.maxBatch);
      if (events.length === 0) return;
      this.#underway = events.length;
      await this.#send({ id: crypto.randomUUID(), events, providerKinds: this.#options.providerKinds() });
      this.#underway = 0;
    } while (this.#closing || this.#queue.length >= this.#options.maxBatch);
  }

  async #send(batch: ExportBatch): Promise<void> {
    for (let tries = 1;; tries++) {
      try {
        await this.#try((signal) => this.exporter.export!(batch, signal));
        if (!this.#isOver) this.#exported += batch.events.length;
        return;
      } catch (error) {
        // Given up and counted already.
        if (this.#isOver) return;
        this.#failures++;
        const isFinal = (isExportError(error) && !error.retryable) || tries >= mostTries || this.#closing;
        const lost = isFinal ? batch.events.length : 0;
        this.#dropped.failed += lost;
        this.#options.onError(this.#options.name, error, lost);
        if (isFinal) return;
        await this.#pause(this.#pauseMs(error, tries));
      }
    }
  }

  /** One call within its time limit, after the one before has ended. */
  async #try(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    await this.#call;
    const { clock, timeoutMs } = this.#options;
    const controller = this.#controller = new AbortController();
    const expired = Promise.withResolvers<never>();
    const timer = clock.setTimeout(() => {
      const error = new Error(`it took more than ${timeoutMs} ms`);
      controller.abort(error);
      expired.reject(error);
    }, timeoutMs);
    const call = Promise.resolve().then(() => work(controller.signal));
    this.#call = call.catch(() => {});
    try {
      await Promise.race([call, expired.promise]);
    } finally {
      clock.clearTimeout(timer);
    }
  }

  #pauseMs(error: unknown, tries: number): number {
    const asked = isExportError(error) ? error.retryAfterMs ?? 0 : 0;
    const own = firstPauseMs * 2 ** (tries - 1) * (0.5 + this.#options.random() / 2);
    return Math.min(longestPauseMs, Math.max(asked, own));
  }

  #pause(milliseconds: number): Promise<void> {
    const { clock } = this.#options;
    return new Promise((resolve) => {
      const timer = clock.setTimeout(resolve, milliseconds);
      this.#endPause = () => {
        clock.clearTimeout(timer);
        resolve();
      };
    });
  }

  #planMetrics(): void {
    const { metricsIntervalMs, clock } = this.#options;
    if (this.exporter.exportMetrics === undefined || metricsIntervalMs === 0 || this.#closing) return;
    this.#metricsTimer = clock.setTimeout(
      () => void this.#sendMetrics().then(() => this.#planMetrics()),
      metricsIntervalMs,
    );
  }

  async #sendMetrics(): Promise<void> {
    try {
      await this.#try((signal) => this.exporter.exportMetrics!(this.#options.metrics(), signal));
    } catch (error) {
      this.#failures++;
      this.#options.onError(this.#options.name, error, 0);
    }
  }

  async #close(boundMs: number): Promise<void> {
    this.#closing = true;
    const { clock, exporter, metricsIntervalMs } = this.#options;
    if (this.#timer !== undefined) clock.clearTimeout(this.#timer);
    if (this.#metricsTimer !== undefined) clock.clearTimeout(this.#metricsTimer);
    this.#endPause?.();
    const isOver = Promise.withResolvers<void>();
    const timer = clock.setTimeout(isOver.resolve, boundMs);
    const flush = async () => {
      await this.#running;
      await this.#empty();
      if (exporter.exportMetrics !== undefined && metricsIntervalMs > 0) await this.#sendMetrics();
    };
    await Promise.race([flush(), isOver.promise]);
    this.#isOver = true;
    this.#dropped.shutdown += this.#queue.length + this.#underway;
    this.#queue = [];
    this.#controller?.abort(new Error("the gateway is stopping"));
    try {
      await Promise.race([exporter.close?.(), isOver.promise]);
    } catch (error) {
      this.#options.onError(this.#options.name, error, 0);
    }
    clock.clearTimeout(timer);
  }
}
