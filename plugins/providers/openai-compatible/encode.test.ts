import { expect, test } from "bun:test";
import { encodeHeaders, encodeRequest, encodeResponsesRequest } from "./encode.ts";
import { openAiCompatibleOptions } from "./options.ts";

const options = (changes: object = {}) =>
  openAiCompatibleOptions.parse({ base_url: "http://127.0.0.1:8080/v1", ...changes });
const accepts = (changes: object) =>
  openAiCompatibleOptions.safeParse({ base_url: "http://127.0.0.1:8080/v1", ...changes }).success;

test("fields that the gateway does not know go along, and the given request is not changed", () => {
  const body = {
    model: "m",
    top_k: 3,
    guided_json: { a: 1 },
    stream_options: { include_obfuscation: false },
  };
  const before = structuredClone(body);
  expect(encodeRequest(body, options(), true)).toEqual({
    ...body,
    stream: true,
    stream_options: { include_obfuscation: false, include_usage: true },
  });
  expect(body).toEqual(before);
});

test("a whole answer is asked for without any word of streams", () => {
  expect(encodeRequest({ model: "m", stream: null, stream_options: {} }, options(), false)).toEqual({
    model: "m",
  });
});

test("usage is not asked of backends that refuse the question", () => {
  const body = { model: "m", stream_options: { include_usage: true } };
  expect(encodeRequest(body, options({ stream_usage: false }), true)).toEqual({ model: "m", stream: true });
});

test("the limit of the answer goes under the name that the backend knows", () => {
  const asked = { max_completion_tokens: 5 };
  expect(encodeRequest(asked, options({ max_tokens_field: "max_tokens" }), false)).toEqual({ max_tokens: 5 });
  expect(encodeRequest({ max_tokens: 5 }, options({ max_tokens_field: "max_completion_tokens" }), false))
    .toEqual(asked);
  expect(encodeRequest(asked, options(), false)).toEqual(asked);
  expect(encodeRequest({ max_tokens: 3, ...asked }, options({ max_tokens_field: "max_tokens" }), false))
    .toEqual({
      max_tokens: 3,
    });
});

test("fields that the backend refuses are left out", () => {
  expect(encodeRequest({ model: "m", seed: 1, user: "u" }, options({ drop_fields: ["seed"] }), false))
    .toEqual({
      model: "m",
      user: "u",
    });
});

test("without a key there is no header for one", () => {
  expect(encodeHeaders(options(), undefined)).toEqual({ "content-type": "application/json" });
  expect(encodeHeaders(options({ organization: "o", project: "p", headers: { "x-a": "b" } }), "k")).toEqual({
    "content-type": "application/json",
    authorization: "Bearer k",
    "openai-organization": "o",
    "openai-project": "p",
    "x-a": "b",
  });
});

test("addresses are http or https, without user, query or fragment", () => {
  for (const base_url of ["http://h/v1", "https://h:8080", "http://[::1]:8080/v1/"]) {
    expect([base_url, accepts({ base_url })]).toEqual([base_url, true]);
  }
  for (
    const base_url of [
      "h/v1",
      "ftp://h",
      "http://u:p@h/v1",
      "http://h/v1?key=x",
      "http://h/#",
      "http://h /v1",
    ]
  ) {
    expect([base_url, accepts({ base_url })]).toEqual([base_url, false]);
  }
});

test("headers that could not be sent are refused at load", () => {
  expect(accepts({ headers: { "x-tenant": "ünï tab\tok" } })).toBe(false);
  expect(accepts({ headers: { "x-tenant": "a\tb c" } })).toBe(true);
  for (const headers of [{ "x a": "b" }, { "": "b" }, { "x-a": "b\r\nx-evil: c" }, { "x-a": "b\u0000" }]) {
    expect([headers, accepts({ headers })]).toEqual([headers, false]);
  }
});

test("a Responses request keeps its own fields: its streams need no word about usage", () => {
  const body = {
    model: "m",
    input: "Hi",
    max_output_tokens: 5,
    stream_options: { include_obfuscation: false },
  };
  expect(encodeResponsesRequest(body, options({ max_tokens_field: "max_tokens" }), true)).toEqual({
    ...body,
    stream: true,
  });
  const { stream_options: _none, ...whole } = body;
  expect(
    encodeResponsesRequest({ ...body, stream: false, user: "u" }, options({ drop_fields: ["user"] }), false),
  )
    .toEqual(whole);
});
