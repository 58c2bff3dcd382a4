import { ApiError } from "../lib/api-error.ts";
import { errorBody, messageErrorBody } from "../lib/error-body.ts";

/** Whose shape errors have. */
export type Dialect = "openai" | "anthropic";

/** The protocol that a client speaks, by what it asks for. */
export function dialectOf(path: string): Dialect {
  return path === "/v1/messages" || path.startsWith("/v1/messages/") ? "anthropic" : "openai";
}

/** OpenAI's Node client ignores a longer delay and retries at once; its Python client then gives up (wire rule 9). */
const longestRetryAfterMs = 60_000;

/** Anything that was thrown, as what the client may know of it: nothing of our insides. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  return new ApiError({
    status: 500,
    code: "internal_error",
    message: "The gateway failed to handle this request. Its log names the cause under this request id.",
    cause: error,
  });
}

/** The one place where a failure becomes a response. */
export function errorResponse(error: ApiError, requestId: string, dialect: Dialect = "openai"): Response {
  const headers: Record<string, string> = {
    "content-type": "application/json",
    "x-request-id": requestId,
    ...error.headers,
  };
  if (error.retryAfterMs !== undefined) {
    const delay = Math.min(Math.max(Math.ceil(error.retryAfterMs), 1), longestRetryAfterMs);
    headers["retry-after"] = String(Math.ceil(delay / 1000));
    headers["retry-after-ms"] = String(delay);
  }
  if (error.shouldRetry !== undefined) headers["x-should-retry"] = String(error.shouldRetry);
  if (dialect === "anthropic") headers["request-id"] = requestId;
  const body = dialect === "anthropic" ? messageErrorBody(error, requestId) : errorBody(error);
  // Anthropic has a status of its own for it.
  const status = dialect === "anthropic" && error.code === "upstream_overloaded" ? 529 : error.status;
  return new Response(JSON.stringify(body), { status, headers });
}
