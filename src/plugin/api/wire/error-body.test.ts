import { describe, expect, test } from "bun:test";
import { errorFromObject, errorFromResponse, errorInside } from "./error-body.ts";

const now = Date.parse("2026-11-23T12:00:00Z");
const from = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  errorFromResponse(
    status,
    new Headers(headers),
    typeof body === "string" ? body : JSON.stringify(body),
    now,
  );
const openai = (message: string, code: string | null = null, type = "") => ({
  error: { message, type, param: null, code },
});

describe("the kind of a failure", () => {
  for (
    const [status, body, kind] of [
      [400, openai("Bad temperature."), "invalid_request"],
      [404, openai("No such model.", "model_not_found"), "invalid_request"],
      [413, openai("Too large."), "invalid_request"],
      [422, { detail: [{ loc: ["body", "temperature"], msg: "too hot" }] }, "invalid_request"],
      [400, openai("x", "context_length_exceeded"), "context_length"],
      [
        400,
        openai("This model's maximum context length is 8192 tokens. However, you requested 9000."),
        "context_length",
      ],
      [400, {
        object: "error",
        message: "Prompt is too long for the context window",
        type: "BadRequestError",
        code: 400,
      }, "context_length"],
      [400, openai("x", "content_filter"), "content_filter"],
      [
        400,
        openai("The response was filtered due to the prompt triggering content management policy."),
        "content_filter",
      ],
      [401, openai("Incorrect API key", "invalid_api_key"), "auth"],
      [402, openai("Pay first"), "auth"],
      [403, openai("Forbidden"), "auth"],
      [429, openai("You exceeded your current quota", "insufficient_quota", "insufficient_quota"), "auth"],
      [429, openai("Slow down. Too many tokens.", "rate_limit_exceeded"), "rate_limited"],
      [408, "", "timeout"],
      [504, "<html>", "timeout"],
      [503, "", "overloaded"],
      [529, openai("Overloaded", null, "overloaded_error"), "overloaded"],
      [500, openai("x", null, "server_error"), "unavailable"],
      [502, "<html><h1>Bad gateway</h1></html>", "unavailable"],
      [302, "", "bad_response"],
    ] as const
  ) {
    test(`${status} ${JSON.stringify(body).slice(0, 70)} is ${kind}`, () =>
      expect(from(status, body).kind).toBe(kind));
  }
});

describe("the message is found in", () => {
  for (
    const [name, body, message] of [
      ["OpenAI's shape", openai("no luck"), "no luck"],
      ["a text", { error: "no luck" }, "no luck"],
      ["FastAPI's detail", { detail: "no luck" }, "no luck"],
      ["FastAPI's list", { detail: [{ loc: ["body", "model"], msg: "no luck" }] }, "body.model: no luck"],
      ["a flat object", { object: "error", message: "no luck", code: 3280 }, "no luck"],
      ["a list", [{ error: { message: "no luck" } }], "no luck"],
      ["plain text", "no luck", "no luck"],
    ] as const
  ) {
    test(name, () => expect(from(400, body).message).toBe(message));
  }

  test("nothing, and then the status speaks; a page of HTML is not shown", () => {
    expect(from(502, "<html>secret internals</html>").message).toBe("the backend answered with status 502");
    expect(from(500, "").message).toContain("500");
  });

  test("a code is a text or nothing, and messages are not endless", () => {
    expect(from(400, { error: { message: "x", code: 400 } }).code).toBeNull();
    expect(from(400, { error: { message: "x", code: "400" } }).code).toBeNull();
    expect(from(400, openai("x".repeat(100_000))).message.length).toBeLessThan(1_100);
  });
});

describe("the delay is read from", () => {
  for (
    const [name, headers, body, milliseconds] of [
      ["milliseconds", { "retry-after-ms": "1500", "retry-after": "9" }, "", 1_500],
      ["seconds", { "retry-after": "2" }, "", 2_000],
      ["a date", { "retry-after": "Mon, 23 Nov 2026 12:00:30 GMT" }, "", 30_000],
      ["Google's RetryInfo", {}, '{"error":{"details":[{"retryDelay":"34.4s"}]}}', 34_400],
      [
        "the reset of an exhausted limit",
        { "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "2m59.5s" },
        "",
        179_500,
      ],
      ["nothing", { "x-ratelimit-remaining-tokens": "10", "x-ratelimit-reset-tokens": "2m" }, "", undefined],
      ["nonsense", { "retry-after": "soon" }, "", undefined],
    ] as const
  ) {
    test(name, () => expect(from(429, body, headers).retryAfterMs).toBe(milliseconds));
  }
});

test("an error inside of an answer with a good status is found, and only there", () => {
  expect(errorInside({ error: { message: "x", code: 429 } })?.kind).toBe("rate_limited");
  expect(errorInside([{ error: "x" }])?.message).toBe("x");
  expect(errorInside({ object: "error", message: "x" })?.message).toBe("x");
  expect(errorInside({ error: null, choices: [] })).toBeUndefined();
  expect(errorInside({ choices: [] })).toBeUndefined();
  expect(errorFromObject({ message: "x", type: "overloaded_error" }).kind).toBe("overloaded");
  expect(errorFromObject("x").kind).toBe("unavailable");
});
