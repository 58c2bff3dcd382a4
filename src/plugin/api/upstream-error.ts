/**
 * Why a call to a backend failed. The set is closed: what is retried, what falls over to another target and
 * what trips a circuit breaker is a function of the kind alone (`router/retry-policy.ts`).
 *
 * - `rate_limited`     the backend asks us to slow down (429)
 * - `overloaded`       the backend is up and has no capacity (503, 529)
 * - `timeout`          one of the gateway's timers fired, or the backend said 408 or 504
 * - `unavailable`      no connection, a broken one, or any other 5xx
 * - `auth`             our credential is missing, wrong or not allowed (401, 402, 403, exhausted quota)
 * - `invalid_request`  the backend refuses the request as such (400, 404, 409, 413, 422)
 * - `unsupported`      the backend's protocol cannot carry what the request asks for; another target's may
 * - `context_length`   the request is longer than the model's context
 * - `content_filter`   the backend's safety system refuses the request
 * - `bad_response`     the backend answered something that is not its protocol
 */
export type UpstreamErrorKind =
  | "rate_limited"
  | "overloaded"
  | "timeout"
  | "unavailable"
  | "auth"
  | "invalid_request"
  | "unsupported"
  | "context_length"
  | "content_filter"
  | "bad_response";

export interface UpstreamErrorOptions {
  readonly kind: UpstreamErrorKind;
  /** What the backend said, without secrets; shown to clients for `invalid_request` and its relatives. */
  readonly message: string;
  /** The backend's HTTP status, when there was a response. */
  readonly status?: number | undefined;
  /** The delay that the backend asked for, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
  /** The backend's own code and request field, handed on to the client where it caused the error. */
  readonly code?: string | null | undefined;
  readonly param?: string | null | undefined;
  /** The message is in the gateway's own words: it repeats nothing of a request or an answer, so that others may see it. */
  readonly ownWords?: boolean | undefined;
  readonly cause?: unknown;
}

const marker = Symbol.for("intellirouter.upstream-error");

/** The only error that a provider throws on purpose. */
export class UpstreamError extends Error {
  override readonly name = "UpstreamError";
  readonly kind: UpstreamErrorKind;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;
  readonly code: string | null;
  readonly param: string | null;
  readonly ownWords: boolean;

  constructor(options: UpstreamErrorOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = options.kind;
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs;
    this.code = options.code ?? null;
    this.param = options.param ?? null;
    this.ownWords = options.ownWords ?? false;
    Object.defineProperty(this, marker, { value: true });
  }
}

/** Recognises the error also when a plugin carries its own copy of this module. */
export function isUpstreamError(error: unknown): error is UpstreamError {
  return typeof error === "object" && error !== null && marker in error;
}
