import { ApiError } from "../lib/api-error.ts";
import type { Clock, TimerHandle } from "../lib/clock.ts";
import { isUpstreamError, UpstreamError } from "../plugin/api/upstream-error.ts";
import type { Dispatched } from "../router/contracts.ts";
import type { BegunAnswer } from "./begun-stream.ts";
import type { AnswerStream } from "./gateway-call.ts";
import type { StreamCollector } from "./cache/cached-call.ts";
import type { GatewayServices } from "./gateway-services.ts";
import type { RequestRecord } from "./request-record.ts";

type Texts = readonly string[] | undefined;

/** Longest wait for the usage of an answer that is otherwise whole, after its client has left, in milliseconds. */
const longestDrainMs = 2_000;

/**
 * The way of an answer from the backend to the client once it has begun. Watches for silence with a single timer
 * that is set anew only when it fires, so that a piece costs no timer.
 */
export class OpenStream<Chunk> implements AnswerStream {
  readonly #dispatched: Dispatched<BegunAnswer<Chunk>>;
  readonly #idleMs: number;
  readonly #heartbeatMs: number;
  readonly #clock: Clock;
  readonly #record: RequestRecord;
  #lastPieceAt: number;
  #lastSentAt: number;
  #timer: TimerHandle | undefined;
  /** The piece that the backend owes; only while it is waited for can the backend be late. */
  #reading: Promise<Texts> | undefined;
  /** Gives the waiting client something. */
  #deliver: ((texts: Texts) => void) | undefined;
  #over = false;
  #draining = false;
  /** Pieces after the first, and how long the client waited for them. */
  #pieces = 0;
  #waitedMs = 0;
  #longestMs = 0;
  #hasBegun = false;
  readonly #services: GatewayServices;
  readonly #collector: StreamCollector | undefined;

  /** @param collector of the pieces, where they are to be kept. */
  constructor(
    services: GatewayServices,
    dispatched: Dispatched<BegunAnswer<Chunk>>,
    idleMs: number,
    heartbeatMs: number,
    record: RequestRecord,
    collector?: StreamCollector,
  ) {
    this.#collector = collector;
    this.#services = services;
    this.#dispatched = dispatched;
    this.#idleMs = idleMs;
    this.#heartbeatMs = heartbeatMs;
    this.#clock = services.clock;
    this.#record = record;
    this.#lastPieceAt = this.#lastSentAt = this.#clock.monotonic();
    services.stopping.addEventListener("abort", this.#stop);
    this.#watch();
  }

  next(): Promise<Texts> {
    const reading = this.#reading ??= this.#read();
    return new Promise((resolve) => {
      this.#deliver = resolve;
      void reading.then((texts) => {
        // A heartbeat was quicker: the piece waits for the next call.
        if (this.#deliver !== resolve) return;
        this.#deliver = undefined;
        this.#reading = undefined;
        resolve(texts);
      });
    });
  }

  cancel(): void {
    if (this.#over || this.#draining) return;
    const { isFinished, usage } = this.#dispatched.value.normaliser;
    if (isFinished === true && usage === undefined) return void this.#drain();
    this.#dispatched.abort(new DOMException("The client has left.", "AbortError"));
    this.#end({ outcome: "cancelled" });
  }

  /** A client that leaves between the last word and the bill is billed all the same; the backend has only that left to say. */
  async #drain(): Promise<void> {
    this.#draining = true;
    const left = new DOMException("The client has left.", "AbortError");
    const timer = this.#clock.setTimeout(() => this.#dispatched.abort(left), longestDrainMs);
    let texts = await (this.#reading ?? this.#read());
    while (texts !== undefined && !this.#over && this.#dispatched.value.normaliser.usage === undefined) {
      texts = await this.#read();
    }
    this.#clock.clearTimeout(timer);
    if (this.#over) return;
    this.#dispatched.abort(left);
    this.#end({ outcome: "cancelled" });
  }

  /** Never rejects: what went wrong is a piece, too, and the last. */
  async #read(): Promise<Texts> {
    if (this.#over) return undefined;
    this.#lastPieceAt = this.#clock.monotonic();
    try {
      const texts = await this.#dispatched.value.next();
      this.#lastSentAt = this.#clock.monotonic();
      this.#countWait(this.#lastSentAt - this.#lastPieceAt, texts);
      if (texts === undefined) this.#end({ outcome: "ok" });
      else this.#collector?.add(texts);
      return texts;
    } catch (error) {
      // After cancel() the call's failure is its consequence and has been recorded.
      if (this.#over) return undefined;
      // Everything was said; only the connection was not closed, or not as it should be.
      const rest = this.#services.stopping.aborted ? undefined : this.#dispatched.value.wholeAnyway();
      if (rest !== undefined) {
        this.#collector?.add(rest);
        this.#end({ outcome: "ok" });
        void this.#dispatched.value.close();
        return rest.length === 0 ? undefined : rest;
      }
      const failure = this.#explain(error);
      this.#end({ outcome: "truncated", error: failure });
      return this.#dispatched.value.normaliser.fail(this.#record.toApiError(failure));
    }
  }

  #countWait(waitedMs: number, texts: Texts): void {
    if (this.#hasBegun && texts !== undefined) {
      this.#pieces++;
      this.#waitedMs += waitedMs;
      if (waitedMs > this.#longestMs) this.#longestMs = waitedMs;
    }
    this.#hasBegun = true;
  }

  /** Of the time that the client itself took nothing is counted. */
  #flow() {
    if (this.#pieces === 0) return undefined;
    return {
      count: this.#pieces,
      mean_ms: Math.round((this.#waitedMs / this.#pieces) * 1000) / 1000,
      max_ms: Math.round(this.#longestMs * 1000) / 1000,
    };
  }

  readonly #stop = (): void => {
    const message = "The gateway is shutting down.";
    this.#dispatched.abort(new UpstreamError({ kind: "unavailable", message }));
  };

  /** What a provider throws beside `UpstreamError` is a defect of its own, for the log and not for the client; a stage may refuse. */
  #explain(error: unknown): unknown {
    if (isUpstreamError(error) || error instanceof ApiError) return error;
    const { provider } = this.#dispatched.model;
    this.#services.onPluginError(provider, error);
    return new UpstreamError({
      kind: "bad_response",
      message: `The provider ${provider} failed.`,
      cause: error,
    });
  }

  #end(result: { outcome: "ok" | "truncated" | "cancelled"; error?: unknown }): void {
    this.#over = true;
    this.#services.stopping.removeEventListener("abort", this.#stop);
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    if (result.outcome !== "ok") void this.#dispatched.value.close();
    this.#collector?.end(result.outcome);
    const { usage, outputCharacters } = this.#dispatched.value.normaliser;
    const chunks = this.#flow();
    this.#record.finish(
      this.#dispatched,
      { usage, outputCharacters, ...(chunks === undefined ? {} : { chunks }) },
      result,
    );
  }

  #watch(): void {
    const now = this.#clock.monotonic();
    const silentMs = this.#reading === undefined ? 0 : now - this.#lastPieceAt;
    if (this.#idleMs > 0 && silentMs >= this.#idleMs) {
      const message = `The backend sent nothing for ${this.#idleMs} ms in the middle of its answer.`;
      this.#dispatched.abort(new UpstreamError({ kind: "timeout", message, ownWords: true }));
      return;
    }
    if (this.#heartbeatMs > 0 && now - this.#lastSentAt >= this.#heartbeatMs) this.#beat(now);
    const waits = [
      this.#idleMs > 0 ? this.#idleMs - silentMs : Infinity,
      this.#heartbeatMs > 0 ? this.#heartbeatMs - (now - this.#lastSentAt) : Infinity,
    ];
    const wait = Math.min(...waits);
    if (wait !== Infinity) this.#timer = this.#clock.setTimeout(() => this.#watch(), Math.max(wait, 1));
  }

  /** A client that has not taken what there is needs no sign of life. */
  #beat(now: number): void {
    this.#lastSentAt = now;
    const text = this.#dispatched.value.normaliser.heartbeat();
    if (text === undefined || this.#deliver === undefined) return;
    const deliver = this.#deliver;
    this.#deliver = undefined;
    deliver([text]);
  }
}
