import { expect, test } from "bun:test";
import { ApiError } from "../lib/api-error.ts";
import { asApiError, dialectOf, errorResponse } from "./error-response.ts";

test("every field of the protocol's error object is there, and error comes first", async () => {
  const response = errorResponse(
    new ApiError({ status: 404, message: "no such model", code: "model_not_found", param: "model" }),
    "req_1",
  );
  expect(response.status).toBe(404);
  expect(response.headers.get("content-type")).toBe("application/json");
  expect(response.headers.get("x-request-id")).toBe("req_1");
  expect(await response.text()).toBe(
    '{"error":{"message":"no such model","type":"invalid_request_error","param":"model","code":"model_not_found"}}',
  );
});

test("a delay is told in both spellings and kept within what clients honour", () => {
  for (
    const [asked, seconds, milliseconds] of [[1500, "2", "1500"], [0, "1", "1"], [
      3_600_000,
      "60",
      "60000",
    ]] as const
  ) {
    const { headers } = errorResponse(
      new ApiError({ status: 429, message: "slow down", retryAfterMs: asked }),
      "req_1",
    );
    expect([headers.get("retry-after"), headers.get("retry-after-ms")]).toEqual([seconds, milliseconds]);
  }
});

test("clients are told not to retry what the gateway has retried", () => {
  expect(
    errorResponse(new ApiError({ status: 502, message: "x", shouldRetry: false }), "r").headers.get(
      "x-should-retry",
    ),
  ).toBe("false");
  expect(errorResponse(new ApiError({ status: 502, message: "x" }), "r").headers.has("x-should-retry")).toBe(
    false,
  );
});

test("an unexpected error tells nothing of our insides", async () => {
  const response = errorResponse(asApiError(new Error("password=hunter2 at /srv/secret.ts")), "req_1");
  expect(response.status).toBe(500);
  expect(await response.text()).not.toMatch(/hunter2|secret/);
});

test("an overloaded backend is 529 in Anthropic's protocol, and 503 in OpenAI's", async () => {
  const error = new ApiError({ status: 503, code: "upstream_overloaded", message: "busy" });
  expect(errorResponse(error, "r", dialectOf("/v1/chat/completions")).status).toBe(503);
  const response = errorResponse(error, "r", dialectOf("/v1/messages"));
  expect(response.status).toBe(529);
  expect(await response.json()).toEqual({
    type: "error",
    error: { type: "overloaded_error", message: "busy" },
    request_id: "r",
  });
});
