import { type EventType, eventTypeSchema, type TelemetryEvent } from "../schema/telemetry-event.ts";
import type { ExporterWorker } from "./exporter-worker.ts";

/** Hands every event to the exporters that want it. Never blocks or fails the one who publishes. */
export class TelemetryBus {
  #workers: readonly ExporterWorker[] = [];
  #byType = new Map<EventType, readonly ExporterWorker[]>();

  /** From now on these. Those that are no more are left for the caller to close. */
  use(workers: readonly ExporterWorker[]): void {
    this.#workers = workers;
    this.#byType = new Map(
      eventTypeSchema.options.map((type) => [type, workers.filter((worker) => worker.takes(type))]),
    );
  }

  get workers(): readonly ExporterWorker[] {
    return this.#workers;
  }

  /** Whether anybody takes events of this type; what nobody takes need not be made. */
  wants(type: EventType): boolean {
    return (this.#byType.get(type)?.length ?? 0) > 0;
  }

  publish(event: TelemetryEvent): void {
    for (const worker of this.#byType.get(event.type) ?? []) worker.publish(event);
  }

  /** Sends what waits everywhere at once, in no more than the bound, in milliseconds. */
  async close(boundMs: number): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.close(boundMs)));
  }
}
