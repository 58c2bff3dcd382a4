import type { Redis } from "ioredis";
import type { Clock } from "../lib/clock.ts";
import { Histogram } from "../lib/histogram.ts";
import { type MetricSource, metricTable, type ReportMetric } from "../schema/metrics.ts";

/** Measures every command that goes to Redis, whoever sends it. */
export class RedisMeter implements MetricSource {
  readonly #redis: Redis;
  readonly #durations = new Histogram(metricTable.intellirouter_redis_command_duration_seconds.buckets);
  #failures = 0;

  constructor(redis: Redis, clock: Pick<Clock, "monotonic">) {
    this.#redis = redis;
    const send = redis.sendCommand.bind(redis);
    redis.sendCommand = (command, stream) => {
      const began = clock.monotonic();
      const result = send(command, stream);
      const ended = () => this.#durations.observe((clock.monotonic() - began) / 1000);
      // Watched beside the caller, who gets the answer and the failure as they are.
      command.promise.then(ended, () => {
        ended();
        this.#failures++;
      });
      return result;
    };
  }

  collect(report: ReportMetric): void {
    report("intellirouter_redis_up", this.#redis.status === "ready" ? 1 : 0);
    report("intellirouter_redis_command_duration_seconds", this.#durations);
    report("intellirouter_redis_failures_total", this.#failures);
  }
}
