import { errorFromResponse, UpstreamError } from "intellirouter/plugin";
import type { UpstreamErrorKind } from "intellirouter/plugin";
import { asObject, asText } from "../hub/loose.ts";

/** AWS names its errors, in responses and inside streams alike; only the first letter differs. */
const kinds: ReadonlyMap<string, UpstreamErrorKind> = new Map(Object.entries<UpstreamErrorKind>({
  ThrottlingException: "rate_limited",
  ServiceQuotaExceededException: "rate_limited",
  ModelNotReadyException: "overloaded",
  ServiceUnavailableException: "overloaded",
  ModelTimeoutException: "timeout",
  ModelErrorException: "unavailable",
  ModelStreamErrorException: "unavailable",
  InternalServerException: "unavailable",
  AccessDeniedException: "auth",
  UnrecognizedClientException: "auth",
  InvalidSignatureException: "auth",
  ExpiredTokenException: "auth",
  ValidationException: "invalid_request",
  ConflictException: "invalid_request",
  ResourceNotFoundException: "invalid_request",
}));

/** The error of a response: its name is in a header, `ThrottlingException:http://…`, or in the body's `__type`. */
export function errorFromBedrock(
  status: number,
  headers: Headers,
  body: string,
  now: number,
): UpstreamError {
  const error = errorFromResponse(status, headers, body, now);
  const { Message: shouted, message, __type: type } = parse(body);
  const name = (headers.get("x-amzn-errortype") ?? asText(type)).split(":")[0]!.split("#").at(-1)!;
  return named(name, asText(message) || asText(shouted) || error.message, error, status);
}

/** An exception that came as a frame of a stream whose status was 200. */
export function errorFromException(name: string, body: string): UpstreamError {
  const { message, originalMessage } = parse(body);
  const words = asText(message) || asText(originalMessage) || `the backend broke off with ${name}`;
  const status = name.toLowerCase().startsWith("validation") ? 400 : 500;
  const error = errorFromResponse(status, new Headers(), JSON.stringify({ message: words }), 0);
  return named(name.charAt(0).toUpperCase() + name.slice(1), words, error, undefined);
}

function named(
  name: string,
  message: string,
  error: UpstreamError,
  status: number | undefined,
): UpstreamError {
  const kind = kinds.get(name);
  // The words say more than the name where the request is too long or filtered.
  const isTold = error.kind === "context_length" || error.kind === "content_filter";
  const isUnknownModel = name === "ResourceNotFoundException" ||
    /model identifier is invalid|model ID .* not found/i.test(message);
  return new UpstreamError({
    kind: isTold ? error.kind : kind ?? error.kind,
    message,
    status,
    code: isUnknownModel ? "model_not_found" : isTold || name === "" ? error.code : name,
    retryAfterMs: error.retryAfterMs,
  });
}

function parse(body: string) {
  try {
    return asObject(JSON.parse(body));
  } catch {
    return {};
  }
}
