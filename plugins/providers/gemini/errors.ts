import { errorFromResponse, UpstreamError, type UpstreamErrorKind } from "intellirouter/plugin";
import { asObject, asText, type Loose, objectsOf } from "../hub/loose.ts";

/**
 * The error of a response in Google's shape, `{"error":{"code","message","status","details"}}`, which may be in a list. A wrong key
 * is told as a bad request; the reason is in the details (google.rpc.ErrorInfo).
 */
export function errorFromGoogle(status: number, headers: Headers, body: string, now: number): UpstreamError {
  const error = errorFromResponse(status, headers, body, now);
  const { status: word, details } = errorOf(body);
  const infos = objectsOf(details);
  const reason = infos.map((info) => asText(info.reason)).find((text) => text !== "") ?? "";
  const kind = kindOf(error.kind, asText(word), reason);
  const [violation] = infos.flatMap((info) => objectsOf(info.fieldViolations));
  return new UpstreamError({
    kind,
    message: error.message,
    status,
    code: codeOf(kind, status, reason),
    param: asText(violation?.field) || error.param,
    retryAfterMs: error.retryAfterMs,
  });
}

function errorOf(text: string): Loose {
  try {
    const body: unknown = JSON.parse(text);
    return asObject(asObject(Array.isArray(body) ? body[0] : body).error);
  } catch {
    return {};
  }
}

function kindOf(kind: UpstreamErrorKind, word: string, reason: string): UpstreamErrorKind {
  if (/^API_KEY_|^SERVICE_DISABLED|^BILLING_DISABLED|^CONSUMER_/.test(reason)) return "auth";
  // Said of keys and countries that are not served: "User location is not supported for the API use."
  if (word === "FAILED_PRECONDITION" && kind === "invalid_request") return "auth";
  return kind;
}

/** In the words of the client's protocol, where it has them. */
function codeOf(kind: UpstreamErrorKind, status: number, reason: string): string | null {
  if (reason === "API_KEY_INVALID") return "invalid_api_key";
  if (kind === "context_length") return "context_length_exceeded";
  if (kind === "rate_limited") return "rate_limit_exceeded";
  if (status === 404) return "model_not_found";
  return reason === "" ? null : reason.toLowerCase();
}
