/**
 * What the router needs of its neighbours and what it gives to the gateway. The router knows neither HTTP nor
 * providers: it resolves names, orders targets, and decides which call is tried when.
 */
import type { ApiError } from "../lib/api-error.ts";
import type { Price } from "../lib/price.ts";
import type { Strategy, StrategyRequest } from "../plugin/api/strategy.ts";
import type { AttemptRecord } from "../schema/decision.ts";

/** Endpoints, and with them what a target must serve. Chat serves the protocols that are translated to it as well. */
export type OperationName =
  | "chat"
  | "messages"
  | "count_tokens"
  | "responses"
  | "completions"
  | "embeddings"
  | ForwardedPath;

/** Below `/v1`; requests to it are handed on unread. */
export type ForwardedPath = `/${string}`;

/** One model of one provider, as the registry describes it. */
export interface CatalogModel {
  /** `provider/model`. */
  readonly id: string;
  readonly provider: string;
  /** The backend's own name. May hold slashes and colons. */
  readonly model: string;
  /** Operations that the provider has at all. */
  readonly operations: ReadonlySet<OperationName>;
  /** `false` is certain; undefined is unknown and removes nothing. */
  readonly chat: boolean | undefined;
  readonly embeddings: boolean | undefined;
  readonly tools: boolean | undefined;
  readonly vision: boolean | undefined;
  readonly jsonSchema: boolean | undefined;
  /** Tokens. */
  readonly contextLength: number | undefined;
  /** US dollars for one million tokens. */
  readonly inputPrice: number | undefined;
  readonly outputPrice: number | undefined;
  /** All of what it costs. */
  readonly price: Price | undefined;
  /** Most tokens of one answer. */
  readonly maxOutputTokens: number | undefined;
}

/** What the router asks of the model registry. */
export interface ModelCatalog {
  /**
   * The model that a name stands for: an alias, `provider/model` (also one that the provider does not list: lists are
   * often incomplete), or a bare name that a provider lists (the first in the configuration's order).
   */
  find(name: string): CatalogModel | undefined;
  /** Every name that `find` would know and that is listed to clients; for suggestions. */
  names(): readonly string[];
}

/** What is known of one request before it is routed; made once by the gateway. */
export interface RequestFacts {
  readonly operation: OperationName;
  /** The name that the client asked for. */
  readonly model: string;
  /** The request as the client sent it. Never changed. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: Headers;
  readonly stream: boolean;
  /** Estimated tokens of the prompt. */
  readonly promptTokens: number;
  /** Most tokens that the answer may have: the client's limit, else undefined. */
  readonly maxOutputTokens: number | undefined;
  /** Answers that are asked for at once; one when absent. */
  readonly choices?: number;
  readonly needsTools: boolean;
  readonly needsVision: boolean;
  readonly needsJsonSchema: boolean;
  readonly user: string | undefined;
  readonly principal: { readonly id: string; readonly roles: readonly string[] };
  /** Whether the caller may use this target (`provider/model`). */
  mayUse(target: string): boolean;
  /** The prompt as one text; made when first asked for, then kept. */
  prompt(): string;
}

/** Where a name leads. */
export interface Resolution {
  /** The route's name; undefined when a model was named directly. */
  readonly route: string | undefined;
  /** Its place among `[[routes]]`, from 0: several may have one name. */
  readonly routeIndex: number | undefined;
  /** Routes of the asked-for name, or `*`, that came before it and whose condition did not hold. */
  readonly passedOver: readonly PassedOver[];
  readonly strategy: string;
  readonly targets: readonly ResolvedTarget[];
  readonly strategyPlugin: Strategy;
  readonly retries: number;
  readonly timeouts: Timeouts;
  /** What becomes of a target whose protocol cannot carry all of the request. */
  readonly onLoss: "warn" | "reject";
  /** Who the model is to be, where the name or the route says so. */
  readonly persona: string | undefined;
  /** For how long whole answers are kept and given again, in milliseconds; 0 keeps none. */
  readonly cacheTtlMs: number;
  /** US dollars for one million tokens; dearer targets are left out. */
  readonly maxInputPrice: number | undefined;
  readonly maxOutputPrice: number | undefined;
}

/** A route that would have served if its condition had held. */
export interface PassedOver {
  readonly route: string;
  /** Its place among `[[routes]]`, from 0. */
  readonly index: number;
  /** The condition, and whether it was false or could not be told. */
  readonly reason: string;
}

export interface ResolvedTarget {
  /** The name as configured, for the record when it is unknown. */
  readonly name: string;
  readonly model: CatalogModel | undefined;
  readonly weight: number;
  readonly firstTokenMs: number | undefined;
}

/** Milliseconds; 0 is no limit. */
export interface Timeouts {
  readonly firstTokenMs: number;
  /** For one target's whole answer; 0 shares what is left of the total among those that are still to be tried. */
  readonly wholeMs: number;
  readonly idleMs: number;
  readonly totalMs: number;
}

/** The order in which targets are tried, with the whole story of how it came about. */
export interface Plan {
  readonly resolution: Resolution;
  /** What the strategy was told of the request; it gets it again with each outcome. */
  readonly strategyRequest: StrategyRequest;
  /** Best first; at least one. */
  readonly targets: readonly PlannedTarget[];
  /** The route's limits, lowered by the request's hints. */
  readonly timeouts: Timeouts;
}

export interface PlannedTarget {
  readonly model: CatalogModel;
  readonly firstTokenMs: number;
}

/** Given to the call of one attempt. */
export interface AttemptContext {
  readonly model: CatalogModel;
  /** Aborts on the first-token timeout (reason: an `UpstreamError` of kind `timeout`), the deadline, or when the client leaves. */
  readonly signal: AbortSignal;
}

/** One successful dispatch: the answer has begun. */
export interface Dispatched<T> {
  readonly value: T;
  readonly model: CatalogModel;
  /** When the attempt was dispatched, on the injected monotonic clock, in milliseconds. */
  readonly startedAt: number;
  /** From the dispatch to the first token; undefined for an answer that came whole. */
  readonly firstTokenMs: number | undefined;
  /** Aborts this attempt's call (client left, idle timeout). */
  abort(reason: unknown): void;
  /** Must be called exactly once, when the last byte is out or the stream broke: frees the target and teaches breaker and strategy. */
  finish(result: AttemptResult): AttemptRecord;
}

/** What an attempt series works with. */
export interface AttemptOptions {
  /** Aborts when the client leaves. */
  readonly signal: AbortSignal;
  /** Arrival of the request on the monotonic clock, in milliseconds. */
  readonly arrivedAt: number;
  /** Failed attempts are appended here, also when none succeeds. */
  readonly attempts: AttemptRecord[];
  /** Asked before a target is tried, each time: what keeps it from being tried, if anything does. The next one is then tried. */
  readonly reserve?: (target: CatalogModel) => ApiError | undefined | Promise<ApiError | undefined>;
}

export interface AttemptResult {
  readonly outcome: "ok" | "error" | "cancelled" | "truncated";
  /** What went wrong, for any outcome but ok. */
  readonly error?: unknown;
  readonly outputTokens: number;
}
