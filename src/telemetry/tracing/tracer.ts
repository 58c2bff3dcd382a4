import type { Decision } from "../../schema/decision.ts";
import { SpanIds } from "./span-ids.ts";
import { parseTraceParent, parseTraceState, type TraceParent } from "./trace-parent.ts";

export interface TracingOptions {
  /** Whether requests get spans of their own. */
  readonly on: boolean;
  /** 0 to 1: the share of the traces that begin here which are sampled. */
  readonly sampleRatio: number;
  /** A client's decision about sampling holds. */
  readonly trustParent: boolean;
  /** Whether backends are told of the trace. */
  readonly propagate: boolean;
}

/** One call of a backend within a trace. */
export interface CallTrace {
  /** Undefined where tracing is off. */
  readonly spanId: string | undefined;
  /** `traceparent` and `tracestate` for the backend; undefined when it is to be told nothing. */
  readonly headers: Readonly<Record<string, string>> | undefined;
}

/**
 * Knows which trace a request belongs to. There are no span objects: a request is given ids, its record keeps them, and whoever exports
 * spans makes them from that.
 */
export class Tracer {
  #options: TracingOptions;
  readonly #ids = new SpanIds();

  constructor(options: TracingOptions) {
    this.#options = options;
  }

  configure(options: TracingOptions): void {
    this.#options = options;
  }

  /** Undefined when there is nothing to remember of this request. */
  begin(headers: Headers): RequestTrace | undefined {
    const { on, propagate } = this.#options;
    if (!on && !propagate) return undefined;
    const given = headers.get("traceparent");
    const parent = given === null ? undefined : parseTraceParent(given);
    if (!on && parent === undefined) return undefined;
    // Without its parent it belongs to nothing.
    const state = parent === undefined ? null : headers.get("tracestate");
    return new RequestTrace(
      this.#ids,
      this.#options,
      parent,
      state === null ? undefined : parseTraceState(state),
    );
  }
}

/** The trace of one request. */
export class RequestTrace {
  readonly #ids: SpanIds;
  readonly #parent: TraceParent | undefined;
  readonly #state: string | undefined;
  readonly #propagate: boolean;
  readonly #traceId: string;
  readonly #spanId: string | undefined;
  readonly #sampled: boolean;

  constructor(
    ids: SpanIds,
    { on, sampleRatio, trustParent, propagate }: TracingOptions,
    parent: TraceParent | undefined,
    state: string | undefined,
  ) {
    this.#ids = ids;
    this.#parent = parent;
    this.#state = state;
    this.#propagate = propagate;
    this.#traceId = parent?.traceId ?? ids.trace();
    this.#spanId = on ? ids.span() : undefined;
    // Where no spans are made here the flag is the client's and none of our business.
    this.#sampled = parent !== undefined && (trustParent || !on)
      ? parent.sampled
      : isWithin(this.#traceId, sampleRatio);
  }

  /** For the decision record. */
  describe(): NonNullable<Decision["trace"]> {
    return {
      trace_id: this.#traceId,
      ...(this.#spanId === undefined ? {} : { span_id: this.#spanId }),
      ...(this.#parent === undefined ? {} : { parent_span_id: this.#parent.spanId }),
      sampled: this.#sampled,
    };
  }

  /** A backend is about to be called. */
  call(): CallTrace {
    const spanId = this.#spanId === undefined ? undefined : this.#ids.span();
    if (!this.#propagate) return { spanId, headers: undefined };
    const traceparent = `00-${this.#traceId}-${spanId ?? this.#parent!.spanId}-${
      this.#sampled ? "01" : "00"
    }`;
    return {
      spanId,
      headers: this.#state === undefined ? { traceparent } : { traceparent, tracestate: this.#state },
    };
  }
}

/** Decided by the id itself, so that every gateway that sees the trace decides alike. */
function isWithin(traceId: string, ratio: number): boolean {
  if (ratio >= 1) return true;
  return Number.parseInt(traceId.slice(-13), 16) < ratio * 2 ** 52;
}
