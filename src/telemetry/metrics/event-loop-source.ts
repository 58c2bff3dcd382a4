import type { Clock, TimerHandle } from "../../lib/clock.ts";
import { Histogram } from "../../lib/histogram.ts";
import { type MetricSource, metricTable, type ReportMetric } from "../../schema/metrics.ts";

const everyMs = 1_000;

/** Measures how late timers fire. Once a second is enough to see what hurts, and lets a small machine sleep in between. */
export class EventLoopSource implements MetricSource {
  readonly #clock: Clock;
  readonly #lag = new Histogram(metricTable.intellirouter_event_loop_lag_seconds.buckets);
  #timer: TimerHandle;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#timer = this.#plan();
  }

  collect(report: ReportMetric): void {
    report("intellirouter_event_loop_lag_seconds", this.#lag);
  }

  close(): void {
    this.#clock.clearTimeout(this.#timer);
  }

  #plan(): TimerHandle {
    const due = this.#clock.monotonic() + everyMs;
    return this.#clock.setTimeout(() => {
      this.#lag.observe(Math.max(0, this.#clock.monotonic() - due) / 1000);
      this.#timer = this.#plan();
    }, everyMs);
  }
}
