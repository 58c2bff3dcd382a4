import { afterAll, expect, test } from "bun:test";
import openAiCompatible from "../plugins/providers/openai-compatible/index.ts";
import { recordExchange } from "./record-exchange.ts";

const key = "sk-recording-0123456789";
const backend = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  async fetch(request) {
    const { model, stream } = await request.json();
    const headers = {
      "openai-organization": "org-private",
      "x-ratelimit-remaining-requests": "9",
      "set-cookie": "a=b",
    };
    if (model === "refuse") {
      return Response.json({
        error: { message: `Bad key ${key}`, type: "x", param: null, code: "invalid_api_key" },
      }, { status: 401, headers });
    }
    const head = { id: "chatcmpl-1", created: 1, model };
    if (!stream) {
      const message = { role: "assistant", content: `You sent ${key}.` };
      return Response.json({
        ...head,
        object: "chat.completion",
        choices: [{ index: 0, message, finish_reason: "stop" }],
      }, { headers });
    }
    const chunk = (delta: object, finish_reason: string | null = null) =>
      `data: ${
        JSON.stringify({
          ...head,
          object: "chat.completion.chunk",
          choices: [{ index: 0, delta, finish_reason }],
        })
      }\n\n`;
    return new Response(
      chunk({ role: "assistant", content: "Hel" }) + chunk({ content: "lo" }) + chunk({}, "stop") +
        "data: [DONE]\n\n",
      { headers: { ...headers, "content-type": "text/event-stream" } },
    );
  },
});
afterAll(() => backend.stop(true));

const record = (request: object) =>
  recordExchange({
    plugin: openAiCompatible,
    options: { base_url: `http://127.0.0.1:${backend.port}/v1` },
    secrets: { api_key: key },
    request: { messages: [{ role: "user", content: "Hello" }], ...request },
  });

test("a whole exchange is recorded, without the key and without what tells whose account it is", async () => {
  const fixture = await record({ model: "m" });
  expect(fixture).toMatchObject({
    request: { model: "m" },
    sent: { model: "m", messages: [{ role: "user", content: "Hello" }] },
    status: 200,
    headers: { "content-type": "application/json;charset=utf-8", "x-ratelimit-remaining-requests": "9" },
    expect: { content: "You sent [secret].", finish: "stop" },
  });
  const text = JSON.stringify(fixture);
  for (const private_ of [key, "org-private", "a=b"]) expect(text).not.toContain(private_);
});

test("a stream is recorded as its raw text, with what a client gets of it", async () => {
  const fixture = await record({ model: "m", stream: true });
  expect(fixture.stream).toStartWith('data: {"id":"chatcmpl-1"');
  expect(fixture.stream).toEndWith("data: [DONE]\n\n");
  expect(fixture.expect).toMatchObject({ content: "Hello", finish: "stop" });
});

test("a refusal is recorded as an error", async () => {
  const fixture = await record({ model: "refuse" });
  expect(fixture).toMatchObject({ status: 401, expect: { error: { kind: "auth", status: 401 } } });
  expect(JSON.stringify(fixture)).not.toContain(key);
});
