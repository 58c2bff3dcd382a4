import { hash } from "node:crypto";
import type { Resolution } from "../../router/contracts.ts";
import type { AnswerStream, GatewayAnswer, GatewayCall } from "../gateway-call.ts";
import type { GatewayServices, Generation } from "../gateway-services.ts";
import type { RequestBody } from "../request-body.ts";
import type { RequestRecord } from "../request-record.ts";
import { hintHeaders } from "../../router/hints.ts";
import { type CachedAnswer, type ResponseCache, sizeOf } from "./response-cache.ts";

/** A request on a route whose answers are kept. */
export class CachedCall {
  readonly #cache: ResponseCache;
  readonly #key: string;
  readonly #ttlMs: number;
  readonly #maxBytes: number;
  readonly #reads: boolean;
  readonly #writes: boolean;

  private constructor(
    cache: ResponseCache,
    key: string,
    ttlMs: number,
    maxBytes: number,
    directives: readonly string[],
  ) {
    this.#cache = cache;
    this.#key = key;
    this.#ttlMs = ttlMs;
    this.#maxBytes = maxBytes;
    this.#writes = !directives.includes("no-store");
    this.#reads = this.#writes && !directives.includes("no-cache");
  }

  /** Undefined where the route keeps no answers, or the endpoint's are not to be kept. */
  static of<Body extends RequestBody>(
    { cache }: GatewayServices,
    generation: Generation,
    call: GatewayCall<Body>,
    { cacheTtlMs, route }: Resolution,
  ): CachedCall | undefined {
    if (cacheTtlMs === 0 || call.operation.isCacheable !== true) return undefined;
    const { principal: { tenant }, operation, body, protocolHeaders, headers } = call;
    // Everything that the answer depends on. The tenant first of all: answers are nobody else's.
    const request = [
      tenant,
      operation.name,
      route,
      generation.policyHash,
      generation.echoRequestedModel,
      protocolHeaders,
      hintHeaders.map((name) => headers.get(name)),
      body,
    ];
    const key = hash("sha256", JSON.stringify(request), "base64url");
    const directives = (headers.get("cache-control") ?? "").toLowerCase().split(",").map((word) =>
      word.trim()
    );
    return new CachedCall(cache.store, key, cacheTtlMs, cache.maxAnswerBytes, directives);
  }

  /** A kept answer that the caller may have; undefined when there is none. */
  async find(mayUse: (target: string) => boolean): Promise<CachedAnswer | undefined> {
    if (!this.#reads) return undefined;
    const answer = await this.#cache.get(this.#key);
    // Keys of one tenant may have different rights.
    return answer !== undefined && mayUse(answer.target) ? answer : undefined;
  }

  keep(answer: CachedAnswer): void {
    if (this.#writes && sizeOf(answer) <= this.#maxBytes) this.#cache.set(this.#key, answer, this.#ttlMs);
  }

  /** What a streamed answer is kept by: nothing of it, unless it comes to its end. */
  collector(target: string, record: RequestRecord): StreamCollector | undefined {
    return this.#writes ? new StreamCollector(this, target, record, this.#maxBytes) : undefined;
  }
}

/** Gathers the events of a stream, and has them kept when it is whole. */
export class StreamCollector {
  readonly #call: CachedCall;
  readonly #target: string;
  readonly #record: RequestRecord;
  readonly #maxBytes: number;
  #events: string[] | undefined = [];
  #bytes = 0;

  constructor(call: CachedCall, target: string, record: RequestRecord, maxBytes: number) {
    this.#call = call;
    this.#target = target;
    this.#record = record;
    this.#maxBytes = maxBytes;
  }

  add(texts: readonly string[]): void {
    if (this.#events === undefined) return;
    for (const text of texts) this.#bytes += text.length;
    if (this.#bytes > this.#maxBytes) this.#events = undefined;
    else this.#events.push(...texts);
  }

  end(outcome: string): void {
    if (outcome !== "ok" || this.#events === undefined) return;
    const losses = this.#record.lossesOf(this.#target);
    this.#call.keep({ target: this.#target, content: { events: this.#events }, losses });
  }
}

/** A kept answer in the form in which it was asked for. */
export function replay({ target, content, losses }: CachedAnswer, record: RequestRecord): GatewayAnswer {
  record.replayed(target);
  const limits = record.metered!.limits;
  return "text" in content
    ? { target, content: { body: undefined, text: content.text }, losses, limits, cache: "hit" }
    : { target, content: { stream: new ReplayedStream(content.events) }, losses, limits, cache: "hit" };
}

/** Hands events out one by one, as a backend would. */
export class ReplayedStream implements AnswerStream {
  #events: readonly string[];
  #next = 0;

  constructor(events: readonly string[]) {
    this.#events = events;
  }

  next(): Promise<readonly string[] | undefined> {
    const event = this.#events[this.#next++];
    return Promise.resolve(event === undefined ? undefined : [event]);
  }

  cancel(): void {
    this.#events = [];
  }
}
