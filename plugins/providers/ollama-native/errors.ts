import { errorFromResponse, UpstreamError } from "intellirouter/plugin";

/** What a model cannot, another may. */
const lacking = /does not support (tools|thinking|chat|generate|embeddings|insert|vision|image)/i;

/** The error of a response in Ollama's shape, `{"error":"…"}`, which has words alone. */
export function errorFromOllama(status: number, headers: Headers, body: string, now: number): UpstreamError {
  const error = errorFromResponse(status, headers, body, now);
  const lacks = status === 400 ? lacking.exec(error.message)?.[1]?.toLowerCase() : undefined;
  return new UpstreamError({
    kind: lacks === undefined ? error.kind : "unsupported",
    message: error.message,
    status,
    code: status === 404 ? "model_not_found" : lacks === undefined ? codeOf(error) : "unsupported_parameter",
    param: lacks === "thinking" ? "reasoning_effort" : lacks === "tools" ? "tools" : null,
    retryAfterMs: error.retryAfterMs,
  });
}

function codeOf({ kind }: UpstreamError): string | null {
  return kind === "context_length" ? "context_length_exceeded" : null;
}
