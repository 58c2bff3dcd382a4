/**
 * A failure that a client of the gateway is told about.
 *
 * It is protocol-neutral: `http/error-response.ts` is the one place that turns it into a body, in the
 * shape of the protocol the client spoke.
 */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** HTTP status, 400 to 599. */
  readonly status: number;
  /** The protocol's coarse class, such as `invalid_request_error`. */
  readonly type: string;
  /** The machine-readable reason, such as `model_not_found`; never a number (strict clients refuse one). */
  readonly code: string | null;
  /** The request field at fault, as a path such as `messages[0].role`. */
  readonly param: string | null;
  /** Delay after which the same request may succeed, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** `false` tells clients that the gateway has already retried as much as is sensible. */
  readonly shouldRetry: boolean | undefined;
  /** Further response headers, such as `allow` with 405. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(options: ApiErrorOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.status = options.status;
    this.type = options.type ?? defaultType(options.status);
    this.code = options.code ?? null;
    this.param = options.param ?? null;
    this.retryAfterMs = options.retryAfterMs;
    this.shouldRetry = options.shouldRetry;
    this.headers = options.headers ?? {};
  }

  /** The same failure with further response headers. */
  withHeaders(headers: Readonly<Record<string, string>>): ApiError {
    const { status, message, type, code, param, retryAfterMs, shouldRetry, cause } = this;
    return new ApiError({
      status,
      message,
      type,
      code,
      param,
      retryAfterMs,
      shouldRetry,
      cause,
      headers: { ...this.headers, ...headers },
    });
  }
}

export interface ApiErrorOptions {
  readonly status: number;
  readonly message: string;
  readonly type?: string | undefined;
  readonly code?: string | null | undefined;
  readonly param?: string | null | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly shouldRetry?: boolean | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly cause?: unknown;
}

function defaultType(status: number): string {
  if (status === 401) return "authentication_error";
  if (status === 403) return "permission_error";
  if (status === 429) return "rate_limit_error";
  return status >= 500 ? "server_error" : "invalid_request_error";
}
