import { expect, test } from "bun:test";
import { testHost } from "../../../test/support/test-host.ts";
import { createAnthropicClient, encodeHeaders } from "./anthropic-client.ts";
import { anthropicOptions } from "./options.ts";

const options = (changes: object = {}) => anthropicOptions.parse(changes);

test("the version may be in the address or not", () => {
  for (const base_url of ["https://h/x", "https://h/x/", "https://h/x/v1", "https://h/x/v1/"]) {
    const { messagesUrl } = createAnthropicClient(options({ base_url }), testHost());
    expect(messagesUrl).toBe("https://h/x/v1/messages");
  }
});

test("a client of the protocol chooses the version, and its features are joined with the operator's", () => {
  const headers = encodeHeaders(options({ beta: ["b", "c"] }), "key", {
    "anthropic-version": "2099-01-01",
    "anthropic-beta": "a, b",
  });
  expect(headers).toMatchObject({
    "x-api-key": "key",
    "anthropic-version": "2099-01-01",
    "anthropic-beta": "a,b,c",
  });
});

test("without a key there is no header for one", () => {
  expect(encodeHeaders(options({ auth: "bearer" }), undefined)).toEqual({
    "content-type": "application/json",
    "anthropic-version": "2023-06-01",
  });
});
