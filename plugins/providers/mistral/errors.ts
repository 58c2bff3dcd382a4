import { errorFromResponse, UpstreamError } from "intellirouter/plugin";
import { asObject, asText } from "../hub/loose.ts";

/** The error of a response in Mistral's shape, `{"object":"error","message","type","param","code"}`, whose codes are numbers. */
export function errorFromMistral(status: number, headers: Headers, body: string, now: number): UpstreamError {
  const error = errorFromResponse(status, headers, body, now);
  const { kind, message, param, retryAfterMs } = error;
  return new UpstreamError({ kind, message, status, code: codeOf(error, typeOf(body)), param, retryAfterMs });
}

function typeOf(body: string): string {
  try {
    return asText(asObject(JSON.parse(body)).type);
  } catch {
    return "";
  }
}

/** In the words of the client's protocol, where it has them. */
function codeOf({ kind, code }: UpstreamError, type: string): string | null {
  if (type === "invalid_model") return "model_not_found";
  if (kind === "context_length") return "context_length_exceeded";
  if (kind === "rate_limited") return "rate_limit_exceeded";
  return code ?? (type === "" || type === "invalid_request_error" ? null : type);
}
