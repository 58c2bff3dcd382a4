import type { TimerHandle } from "../lib/clock.ts";
import { UpstreamError } from "../plugin/api/upstream-error.ts";
import { brokenConnection } from "../plugin/api/wire/broken-connection.ts";
import { type BodyReader, openBody } from "../plugin/api/wire/body-reader.ts";
import type { Dispatched, Timeouts } from "../router/contracts.ts";
import type { GatewayServices } from "./gateway-services.ts";
import type { RequestRecord } from "./request-record.ts";

/**
 * The bytes of a forwarded answer on their way to the client, asked for one piece at a time. A backend that breaks off makes the
 * iteration throw, which cuts the client's connection: in the middle of bytes there is no other way to say so.
 */
export class ForwardedBody implements AsyncIterableIterator<Uint8Array> {
  readonly #services: GatewayServices;
  readonly #dispatched: Dispatched<Response>;
  readonly #reader: BodyReader | undefined;
  readonly #record: RequestRecord;
  readonly #idleMs: number;
  readonly #deadline: TimerHandle | undefined;
  #over = false;

  constructor(
    services: GatewayServices,
    dispatched: Dispatched<Response>,
    { idleMs, totalMs }: Timeouts,
    arrivedAt: number,
    record: RequestRecord,
  ) {
    const { clock } = services;
    this.#services = services;
    this.#dispatched = dispatched;
    this.#reader = dispatched.value.body === null ? undefined : openBody(dispatched.value.body);
    this.#record = record;
    this.#idleMs = idleMs;
    const leftMs = Math.max(1, arrivedAt + totalMs - clock.monotonic());
    this.#deadline = totalMs > 0
      ? clock.setTimeout(() => this.#expire("was not complete at the request's deadline"), leftMs)
      : undefined;
    services.stopping.addEventListener("abort", this.#stop);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#over || this.#reader === undefined) {
      this.#end({ outcome: "ok" });
      return { done: true, value: undefined };
    }
    const { clock } = this.#services;
    const idle = this.#idleMs > 0
      ? clock.setTimeout(() => this.#expire(`went silent for ${this.#idleMs} ms`), this.#idleMs)
      : undefined;
    try {
      const { done, value } = await this.#reader.read();
      if (!done) return { done: false, value };
      this.#end({ outcome: "ok" });
      return { done: true, value: undefined };
    } catch (error) {
      const failure = error instanceof UpstreamError ? error : brokenConnection(error);
      this.#end({ outcome: "truncated", error: failure });
      throw failure;
    } finally {
      if (idle !== undefined) clock.clearTimeout(idle);
    }
  }

  /** The client has left. */
  return(): Promise<IteratorReturnResult<undefined>> {
    if (!this.#over) {
      this.#dispatched.abort(new DOMException("The client has left.", "AbortError"));
      this.#end({ outcome: "cancelled" });
    }
    return Promise.resolve({ done: true, value: undefined });
  }

  readonly #stop = (): void => this.#expire("was cut off: the gateway is shutting down");

  #expire(what: string): void {
    const message = `The answer of ${this.#dispatched.model.id} ${what}.`;
    this.#dispatched.abort(new UpstreamError({ kind: "timeout", message, ownWords: true }));
  }

  #end(result: { outcome: "ok" | "truncated" | "cancelled"; error?: unknown }): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#deadline !== undefined) this.#services.clock.clearTimeout(this.#deadline);
    this.#services.stopping.removeEventListener("abort", this.#stop);
    if (result.outcome !== "ok") this.#reader?.cancel();
    this.#record.finish(this.#dispatched, { usage: undefined, outputCharacters: 0 }, result);
  }
}
