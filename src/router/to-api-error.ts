import { ApiError } from "../lib/api-error.ts";
import { isUpstreamError, type UpstreamError } from "../plugin/api/upstream-error.ts";

/** How a backend's failure looks to a client, when nothing more can be tried. */
export interface ClientView {
  /** The gateway itself has tried more than once: clients need not. */
  readonly retried?: boolean;
}

/**
 * A backend's failure as the client is told of it. What the client caused keeps the backend's words; what it did not
 * cause names no vendor's internals, and a bad key of the operator never looks like a bad key of the client.
 */
export function toApiError(error: unknown, view: ClientView = {}): ApiError {
  if (error instanceof ApiError) return error;
  if (!isUpstreamError(error)) {
    return new ApiError({
      status: 500,
      code: "internal_error",
      message: "The gateway failed to handle this request.",
      cause: error,
    });
  }
  const shape = shapeOf(error);
  return new ApiError({
    ...shape,
    param: isClientsFault(error) ? error.param : null,
    retryAfterMs: error.retryAfterMs,
    shouldRetry: view.retried && shape.status >= 429 ? false : undefined,
    cause: error,
  });
}

function isClientsFault(error: UpstreamError): boolean {
  return error.kind === "invalid_request" || error.kind === "unsupported" ||
    error.kind === "context_length" ||
    error.kind === "content_filter";
}

function shapeOf(error: UpstreamError): { status: number; type?: string; code: string; message: string } {
  const { kind, message, status, code } = error;
  switch (kind) {
    case "rate_limited":
      return { status: 429, code: "rate_limit_exceeded", message: `The backend limits the rate: ${message}` };
    case "overloaded":
      return { status: 503, code: "upstream_overloaded", message: `The backend is overloaded: ${message}` };
    case "timeout":
      return { status: 504, code: "upstream_timeout", message };
    case "unavailable":
      return { status: 502, code: "upstream_unavailable", message };
    case "bad_response":
      return {
        status: 502,
        code: "upstream_bad_response",
        message: `The backend's answer makes no sense: ${message}`,
      };
    case "auth":
      return {
        status: 502,
        code: "upstream_auth",
        message: `The backend refuses the gateway's own credential; its operator must look at it: ${message}`,
      };
    case "context_length":
      return { status: 400, type: "invalid_request_error", code: "context_length_exceeded", message };
    case "content_filter":
      return { status: 400, type: "invalid_request_error", code: code ?? "content_filter", message };
    case "unsupported":
      return {
        status: 400,
        type: "invalid_request_error",
        code: code ?? "unsupported_parameter",
        message,
      };
    case "invalid_request": {
      const kept = status !== undefined && [400, 404, 409, 413, 415, 422].includes(status) ? status : 400;
      return {
        status: kept,
        type: "invalid_request_error",
        code: code ?? (kept === 404 ? "model_not_found" : "invalid_request"),
        message,
      };
    }
  }
}
