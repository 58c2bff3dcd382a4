import { describe, expect, test } from "bun:test";
import { ApiError } from "../lib/api-error.ts";
import { UpstreamError, type UpstreamErrorKind } from "../plugin/api/upstream-error.ts";
import { retryRule } from "./retry-policy.ts";
import { toApiError } from "./to-api-error.ts";

const kinds: readonly UpstreamErrorKind[] = [
  "rate_limited",
  "overloaded",
  "timeout",
  "unavailable",
  "auth",
  "invalid_request",
  "context_length",
  "content_filter",
  "bad_response",
];

function shown(
  kind: UpstreamErrorKind,
  more: { status?: number; code?: string; param?: string; retryAfterMs?: number } = {},
) {
  return toApiError(new UpstreamError({ kind, message: "the backend's words", ...more }));
}

describe("what the client caused keeps the backend's words", () => {
  test("status, code, message and field of a refused request", () => {
    expect(shown("invalid_request", { status: 422, code: "bad_tool", param: "tools[0]" })).toMatchObject({
      status: 422,
      type: "invalid_request_error",
      code: "bad_tool",
      param: "tools[0]",
      message: "the backend's words",
    });
  });

  for (const status of [400, 404, 409, 413, 415, 422]) {
    test(`status ${status} is kept`, () => expect(shown("invalid_request", { status }).status).toBe(status));
  }

  for (const status of [undefined, 200, 401, 405, 500]) {
    test(`status ${status} becomes 400`, () => {
      expect(shown("invalid_request", status === undefined ? {} : { status }).status).toBe(400);
    });
  }

  test("a context that is too small and a refused content are 400 with their codes", () => {
    expect(shown("context_length", { status: 413 })).toMatchObject({
      status: 400,
      code: "context_length_exceeded",
    });
    expect(shown("content_filter", { code: "jailbreak" })).toMatchObject({ status: 400, code: "jailbreak" });
  });
});

describe("what the client did not cause", () => {
  const expected: readonly (readonly [UpstreamErrorKind, number, string])[] = [
    ["rate_limited", 429, "rate_limit_exceeded"],
    ["overloaded", 503, "upstream_overloaded"],
    ["timeout", 504, "upstream_timeout"],
    ["unavailable", 502, "upstream_unavailable"],
    ["bad_response", 502, "upstream_bad_response"],
    ["auth", 502, "upstream_auth"],
  ];
  for (const [kind, status, code] of expected) {
    test(`${kind} is ${status} ${code}, without the backend's field`, () => {
      expect(shown(kind, { status: 401, code: "theirs", param: "theirs" })).toMatchObject({
        status,
        code,
        param: null,
      });
    });
  }
});

test("the delay that the backend asked for is handed on", () => {
  expect(shown("rate_limited", { retryAfterMs: 3_000 }).retryAfterMs).toBe(3_000);
});

test("clients are told not to retry when the gateway did, and only where they would", () => {
  const retried = (kind: UpstreamErrorKind) =>
    toApiError(new UpstreamError({ kind, message: "" }), { retried: true }).shouldRetry;
  expect(retried("overloaded")).toBe(false);
  expect(retried("rate_limited")).toBe(false);
  expect(retried("invalid_request")).toBeUndefined();
  expect(toApiError(new UpstreamError({ kind: "overloaded", message: "" })).shouldRetry).toBeUndefined();
});

test("an error that is ready for the client is left as it is", () => {
  const error = new ApiError({ status: 418, message: "teapot" });
  expect(toApiError(error)).toBe(error);
});

test("a defect shows nothing of itself", () => {
  const error = toApiError(new Error("password is hunter2"));
  expect(error).toMatchObject({ status: 500, code: "internal_error" });
  expect(error.message).not.toContain("hunter2");
});

describe("the retry table", () => {
  test("nothing that is the client's fault counts against a target", () => {
    for (const kind of ["invalid_request", "context_length", "content_filter"] as const) {
      expect(retryRule(kind, 400).fault).toBe("none");
    }
  });

  test("nothing that counts against a target's circuit is kept from the other targets", () => {
    for (const kind of kinds) {
      const rule = retryRule(kind, undefined);
      if (rule.fault !== "none") expect([kind, rule.tryNext]).toEqual([kind, true]);
    }
  });

  test("a bad key is not a bad provider, and 429 is not 500", () => {
    expect(retryRule("auth", 401).fault).toBe("credential");
    expect(retryRule("auth", 403).fault).toBe("forbidden");
    expect(retryRule("rate_limited", 429).fault).toBe("cool-down");
    expect(retryRule("unavailable", 500).fault).toBe("failure");
  });

  test("a credential is never tried a second time", () => {
    for (const status of [401, 402, 403]) expect(retryRule("auth", status).retrySame).toBe(false);
  });

  test("a model that a backend does not have may be another's", () => {
    expect(retryRule("invalid_request", 404)).toMatchObject({
      tryNext: true,
      retrySame: false,
      fault: "none",
    });
    expect(retryRule("invalid_request", 400).tryNext).toBe(false);
  });
});
