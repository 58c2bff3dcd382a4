import { UpstreamError } from "../upstream-error.ts";
import type { UpstreamErrorKind } from "../upstream-error.ts";

type Loose = Readonly<Record<string, unknown>>;

/** What an error body says, whatever its shape. */
interface ErrorFacts {
  readonly message: string;
  readonly code: string | null;
  readonly type: string;
  readonly param: string | null;
}

const longestMessage = 1_000;

/**
 * A backend's error response as an `UpstreamError`.
 *
 * @param now wall clock in milliseconds, for delays that are given as dates.
 */
export function errorFromResponse(
  status: number,
  headers: Headers,
  body: string,
  now: number,
): UpstreamError {
  const facts = readBody(body, `the backend answered with status ${status}`);
  return new UpstreamError({
    kind: kindOf(status, facts),
    message: facts.message,
    status,
    code: facts.code,
    param: facts.param,
    retryAfterMs: retryAfter(headers, body, now),
  });
}

/** An error object inside a stream or inside an answer with status 200. */
export function errorFromObject(error: unknown): UpstreamError {
  const facts = factsOf(error, "the backend broke off its answer");
  const numeric = Number((error as Loose | null)?.code ?? (error as Loose | null)?.status);
  const status = Number.isInteger(numeric) && numeric >= 400 && numeric < 600 ? numeric : undefined;
  const kind = kindOf(status ?? assumedStatus(facts), facts);
  return new UpstreamError({ kind, message: facts.message, code: facts.code, param: facts.param });
}

/** An error object without a status is the backend's own fault unless its words say that it is the request's. */
function assumedStatus({ message, code, type }: ErrorFacts): number {
  const requests = /invalid_request|context_length|content_filter|content_policy/i;
  return requests.test(`${code ?? ""} ${type}`) || contextWords.test(message) ? 400 : 500;
}

/** Some backends send the field always, empty while all is well. */
function isError(value: unknown): boolean {
  return typeof value === "object" && value !== null ? Object.keys(value).length > 0 : Boolean(value);
}

/** The error that an answer with a good status may nevertheless hold. */
export function errorInside(value: unknown): UpstreamError | undefined {
  const body = Array.isArray(value) ? value[0] : value;
  if (typeof body !== "object" || body === null) return undefined;
  const { error, choices, data, object } = body as Loose;
  if (isError(error)) return errorFromObject(error);
  return object === "error" ||
      (choices === undefined && data === undefined && typeof (body as Loose).detail === "string")
    ? errorFromObject(body)
    : undefined;
}

function readBody(text: string, fallback: string): ErrorFacts {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // A proxy's error page is of no use to a client.
    const plain = text.trimStart().startsWith("<") ? "" : text.trim();
    return { message: shorten(plain) || fallback, code: null, type: "", param: null };
  }
  const body = Array.isArray(value) ? value[0] : value;
  const error = (body as Loose | null)?.error;
  return factsOf(error === undefined || error === null ? body : error, fallback);
}

function factsOf(error: unknown, fallback: string): ErrorFacts {
  if (typeof error === "string") {
    return { message: shorten(error) || fallback, code: null, type: "", param: null };
  }
  const { message, detail, code, type, param, error: nested } = (error ?? {}) as Loose;
  if (message === undefined && typeof nested === "object" && nested !== null) {
    return factsOf(nested, fallback);
  }
  const said = textOf(message) ?? textOf(detail) ?? textOf(nested);
  return {
    message: shorten(said ?? "") || fallback,
    code: typeof code === "string" && code !== "" && !/^\d+$/.test(code) ? code : null,
    type: typeof type === "string" ? type : "",
    param: typeof param === "string" ? param : null,
  };
}

/** FastAPI says what is wrong as a list of places. */
function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (!Array.isArray(value)) return value === undefined || value === null ? undefined : JSON.stringify(value);
  return value.map((item: Loose) => {
    const place = Array.isArray(item?.loc) ? `${item.loc.join(".")}: ` : "";
    return place + (typeof item?.msg === "string" ? item.msg : JSON.stringify(item));
  }).join("; ");
}

function shorten(text: string): string {
  return text.length > longestMessage ? `${text.slice(0, longestMessage)}…` : text;
}

const contextWords =
  /context[_ ](length|window|size)|maximum context|too many tokens|prompt is too long|exceeds? (the )?(available |model'?s? )?(max(imum)? )?(context|number of tokens)|input (is )?too long/i;
const filterWords = /content[_ ](filter|management|policy)|responsible ai|safety system/i;

function kindOf(status: number, { message, code, type }: ErrorFacts): UpstreamErrorKind {
  const words = `${code ?? ""} ${type}`;
  if (/insufficient_quota|billing|invalid_api_key|account_deactivated/i.test(words)) return "auth";
  if (status < 500 && (/context_length/i.test(words) || contextWords.test(message)) && status !== 429) {
    return "context_length";
  }
  if (
    status < 500 &&
    (/content_filter|content_policy/i.test(words) || (status === 400 && filterWords.test(message)))
  ) return "content_filter";
  if (status === 429 || /rate_limit/i.test(words)) return "rate_limited";
  if (status === 401 || status === 402 || status === 403) return "auth";
  if (status === 408 || status === 504) return "timeout";
  if (status === 503 || status === 529 || /overloaded/i.test(words)) return "overloaded";
  if (status >= 500) return "unavailable";
  // A redirect is not followed: it would take the key to another host.
  return status < 400 ? "bad_response" : "invalid_request";
}

/** `retry-after-ms`, `retry-after` in seconds or as a date, Google's RetryInfo, or the reset of an exhausted limit. */
function retryAfter(headers: Headers, body: string, now: number): number | undefined {
  const milliseconds = positive(headers.get("retry-after-ms"));
  if (milliseconds !== undefined) return milliseconds;
  const after = headers.get("retry-after");
  if (after !== null) {
    const seconds = positive(after);
    if (seconds !== undefined) return seconds * 1000;
    const date = Date.parse(after);
    if (!Number.isNaN(date)) return Math.max(0, date - now);
  }
  const retryInfo = body.match(/"retryDelay"\s*:\s*"([\d.]+)s"/)?.[1];
  if (retryInfo !== undefined) return Number(retryInfo) * 1000;
  for (const kind of ["requests", "tokens"]) {
    if (headers.get(`x-ratelimit-remaining-${kind}`) === "0") {
      return duration(headers.get(`x-ratelimit-reset-${kind}`));
    }
  }
  return undefined;
}

/** Go's notation: `1s`, `6m0s`, `120ms`, `2m59.56s`. */
function duration(text: string | null): number | undefined {
  const units: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };
  const parts = [...(text ?? "").matchAll(/([\d.]+)(ms|h|m|s)/g)];
  return parts.length === 0
    ? undefined
    : parts.reduce((sum, [, value, unit]) => sum + Number(value) * units[unit!]!, 0);
}

function positive(text: string | null): number | undefined {
  const value = text === null || text.trim() === "" ? Number.NaN : Number(text);
  return Number.isFinite(value) && value >= 0 ? value : undefined;
}
