import type { MetricFamily } from "../../schema/metrics.ts";
import type { TelemetryEvent } from "../../schema/telemetry-event.ts";

/** Events that go out together, oldest first. */
export interface ExportBatch {
  /** The same for every try of this batch, so that a receiver can know what it has already. */
  readonly id: string;
  /** At least one. Shared with other exporters: not to be changed. */
  readonly events: readonly TelemetryEvent[];
  /** The plugin kind of each provider, by the name that it has in targets: `cloud` → `openai-compatible`. */
  readonly providerKinds: ReadonlyMap<string, string>;
}

/** What somebody who reads the metrics is answered. */
export interface ScrapedMetrics {
  readonly contentType: string;
  readonly body: string;
}

/**
 * Takes the gateway's telemetry somewhere. An ability exists when the member exists; there must be one.
 *
 * The gateway owns the queue, the batches, the time limit, the retries and the counts of what was lost: an exporter that hangs or
 * throws harms no request and no other exporter. One call runs at a time.
 */
export interface Exporter {
  /**
   * Resolves when the events are taken. Must honour the signal, which aborts at the time limit.
   *
   * @throws {ExportError} that says whether the same batch may be sent again; any other error counts as one that may.
   */
  export?(batch: ExportBatch, signal: AbortSignal): Promise<void>;
  /** Sends the metrics as they are now; called at the interval `metrics_interval_ms`, and not again when it fails. */
  exportMetrics?(families: readonly MetricFamily[], signal: AbortSignal): Promise<void>;
  /** The metrics in the form that `GET /metrics` answers with. */
  scrape?(families: readonly MetricFamily[]): ScrapedMetrics;
  close?(): void | Promise<void>;
}

const marker = Symbol.for("intellirouter.export-error");

export interface ExportErrorOptions {
  readonly message: string;
  /** Whether the same batch may be sent again. */
  readonly retryable: boolean;
  /** Milliseconds to wait before that, where the receiver has said so. */
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/** Events were not taken. */
export class ExportError extends Error {
  override readonly name = "ExportError";
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;

  constructor({ message, retryable, retryAfterMs, cause }: ExportErrorOptions) {
    super(message, cause === undefined ? undefined : { cause });
    this.retryable = retryable;
    this.retryAfterMs = retryAfterMs;
    Object.defineProperty(this, marker, { value: true });
  }
}

/** Recognises the error also when a plugin carries its own copy of this module. */
export function isExportError(error: unknown): error is ExportError {
  return typeof error === "object" && error !== null && marker in error;
}
