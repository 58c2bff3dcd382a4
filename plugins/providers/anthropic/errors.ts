import { errorFromResponse, UpstreamError } from "intellirouter/plugin";
import { asObject, asText } from "../hub/loose.ts";

/** Limits whose exhaustion an answer of status 429 may tell of, with the time at which each is full again. */
const limits = ["requests", "tokens", "input-tokens", "output-tokens"];

/**
 * The error of a response in Anthropic's shape, `{"type":"error","error":{"type","message","details"}}`. Its codes are in
 * `details.error_code` (@anthropic-ai/sdk 1.12, core/error), and an empty account is told as a bad request.
 */
export function errorFromAnthropic(
  status: number,
  headers: Headers,
  body: string,
  now: number,
): UpstreamError {
  const error = errorFromResponse(status, headers, body, now);
  const { type, details } = errorOf(body);
  const code = asText(asObject(details).error_code) || codeOf(error, asText(type));
  const isUnpaid = type === "billing_error" || /credit balance is too low|spend limit/i.test(error.message);
  const isFiltered = code === "content_filter";
  return new UpstreamError({
    kind: isUnpaid ? "auth" : isFiltered ? "content_filter" : error.kind,
    message: error.message,
    status,
    code,
    param: error.param,
    retryAfterMs: error.retryAfterMs ?? (status === 429 ? untilReset(headers, now) : undefined),
  });
}

function errorOf(body: string) {
  try {
    return asObject(asObject(JSON.parse(body)).error);
  } catch {
    return {};
  }
}

/** Names in the words of the client's protocol, where it has them. */
function codeOf({ message, status, code }: UpstreamError, type: string): string | null {
  if (status === 404 && /^model:/.test(message)) return "model_not_found";
  if (status === 400 && /content filtering policy/i.test(message)) return "content_filter";
  return code ?? (type === "" || type === "invalid_request_error" ? null : type);
}

/** Until the last of the exhausted limits is full again; the API does not always say when to come back. */
function untilReset(headers: Headers, now: number): number | undefined {
  const waits = limits.flatMap((limit) => {
    if (headers.get(`anthropic-ratelimit-${limit}-remaining`) !== "0") return [];
    const reset = Date.parse(headers.get(`anthropic-ratelimit-${limit}-reset`) ?? "");
    return Number.isNaN(reset) ? [] : [Math.max(0, reset - now)];
  });
  return waits.length === 0 ? undefined : Math.max(...waits);
}
