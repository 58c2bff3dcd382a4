import { describe, expect, test } from "bun:test";
import type { EgressFetch, Provider } from "intellirouter/plugin";
import { UpstreamError } from "intellirouter/plugin";
import { testProvider } from "intellirouter/plugin/testing";
import anthropic from "../../plugins/providers/anthropic/index.ts";
import { testHost } from "../support/test-host.ts";

const usage = { input_tokens: 5, output_tokens: 2 };
const message = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "claude-sonnet-4-5",
  content: [{ type: "text", text: "Hello there." }],
  stop_reason: "end_turn",
  stop_sequence: null,
  usage,
};
const events = [
  { type: "message_start", message: { ...message, content: [], stop_reason: null } },
  { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
  { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Hello " } },
  { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "there." } },
  { type: "content_block_stop", index: 0 },
  { type: "message_delta", delta: { stop_reason: "end_turn", stop_sequence: null }, usage },
  { type: "message_stop" },
];

const answering: EgressFetch = (url, { body, signal } = {}) => {
  if (signal?.aborted) return Promise.reject(signal.reason);
  if (url.includes("/v1/models")) {
    return Promise.resolve(Response.json({ data: [{ id: "claude-sonnet-4-5" }], has_more: false }));
  }
  if (JSON.parse(String(body)).stream !== true) return Promise.resolve(Response.json(message));
  const text = events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join("");
  return Promise.resolve(new Response(text, { headers: { "content-type": "text/event-stream" } }));
};
const failing: EgressFetch = () =>
  Promise.reject(new UpstreamError({ kind: "unavailable", message: "away" }));

const make = (fetch: EgressFetch) =>
  anthropic.create(anthropic.options.parse({}), testHost({ fetch, secret: () => "sk-x" })) as Promise<
    Provider
  >;

describe("anthropic", () => {
  testProvider({ describe, test, expect }, {
    make: () => make(answering),
    chatModel: "claude-sonnet-4-5",
    makeFailing: () => make(failing),
  });

  test("lists what the API lists", async () => {
    const context = { requestId: "r", signal: new AbortController().signal };
    expect((await (await make(answering)).listModels!(context)).map(({ id }) => id)).toEqual([
      "claude-sonnet-4-5",
    ]);
  });

  test("refuses an option that it does not know", () => {
    expect(anthropic.options.safeParse({ no_such_option: 1 }).success).toBe(false);
  });
});
