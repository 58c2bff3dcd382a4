/** Requests and answers in the shapes of Anthropic's Messages API (types of @anthropic-ai/sdk 1.12), one file each. */
import { describe, expect, test } from "bun:test";
import type { CallContext, MessagesRequest, Provider } from "intellirouter/plugin";
import anthropic from "../../../plugins/providers/anthropic/index.ts";
import { countTokensOperation } from "../../../src/gateway/operations/count-tokens.ts";
import { messagesOperation } from "../../../src/gateway/operations/messages.ts";
import { testHost } from "../../support/test-host.ts";
import { playWireFixtures } from "../../support/wire-fixtures.ts";

playWireFixtures({ folder: import.meta.dir, plugin: anthropic, least: 45 });

describe("a client of the same protocol", () => {
  const request: MessagesRequest = {
    model: "claude-x",
    max_tokens: 2_000,
    thinking: { type: "enabled", budget_tokens: 1_024 },
    container: { id: "c1" },
    messages: [
      { role: "user", content: "Weather?" },
      {
        role: "assistant",
        content: [
          { type: "thinking", thinking: "Let me look.", signature: "EqQBCkgIARABGAIiQL2Uo" },
          { type: "redacted_thinking", data: "EmwKAhgBEgy3va3pzix/LafPsn4a" },
          { type: "tool_use", id: "toolu_1", name: "weather", input: { city: "Oslo" } },
        ],
      },
      { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_1", content: "rain" }] },
    ],
  };
  const answer =
    '{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[{"type":"thinking","thinking":"Hm.","signature":"sig=="},{"type":"text","text":"Rain.","citations":null}],"stop_reason":"end_turn","stop_sequence":null,"container":null,"usage":{"input_tokens":12,"cache_creation_input_tokens":3,"cache_read_input_tokens":4,"output_tokens":5,"service_tier":"standard"}}';
  const events = [
    `{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":12,"output_tokens":1}}}`,
    `{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}`,
    `{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Hm."}}`,
    `{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"sig=="}}`,
    `{"type":"content_block_stop","index":0}`,
    `{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}`,
    `{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Rain."}}`,
    `{"type":"content_block_stop","index":1}`,
    `{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":5}}`,
    `{"type":"message_stop"}`,
  ];

  async function setUp(body: string, type: string) {
    const seen: { url: string; headers: Headers; body: unknown }[] = [];
    const losses: string[] = [];
    const host = testHost({
      secret: () => "sk-ant-key",
      fetch: (url, init) => {
        seen.push({ url, headers: new Headers(init!.headers as Record<string, string>), body: JSON.parse(String(init!.body)) });
        return Promise.resolve(new Response(body, { headers: { "content-type": type } }));
      },
    });
    const provider = await anthropic.create(anthropic.options.parse({}), host) as Provider;
    const context: CallContext = {
      requestId: "r",
      signal: new AbortController().signal,
      tenant: "t",
      reportLoss: (loss) => losses.push(`${loss.effect} ${loss.field}`),
      protocolHeaders: { "anthropic-version": "2023-06-01", "anthropic-beta": "context-management-2025-06-27" },
    };
    return { provider, context, seen, losses };
  }

  const options = { includeUsage: false, forcedModel: undefined, fallbackId: "r", fallbackModel: "m", created: 1 };

  test("gets the backend's answer byte for byte, and its request goes as it is", async () => {
    const { provider, context, seen } = await setUp(answer, "application/json");
    const whole = await messagesOperation.complete(provider, request, context, options);
    expect(whole.text).toBe(answer);
    expect(whole.usage).toMatchObject({ prompt_tokens: 19, completion_tokens: 5 });
    expect(seen[0]!.body).toEqual(request);
    expect(seen[0]!.headers.get("anthropic-beta")).toBe("context-management-2025-06-27");
  });

  test("gets every event of a stream byte for byte", async () => {
    const text = events.map((event) => `event: ${JSON.parse(event).type}\ndata: ${event}\n\n`).join("");
    const { provider, context, seen } = await setUp(text, "text/event-stream");
    const { frames, normaliser } = await messagesOperation.stream!(provider, { ...request, stream: true }, context, options);
    const out: string[] = [];
    for await (const batch of frames) for (const frame of batch) normaliser.push(frame, out);
    normaliser.finish(out);
    expect(out).toEqual(events);
    expect(normaliser.usage).toMatchObject({ prompt_tokens: 12, completion_tokens: 5 });
    expect(seen[0]!.body).toEqual({ ...request, stream: true });
  });

  test("has its stream ended by the protocol's last event, though the connection stays open", async () => {
    const text = events.map((event) => `event: ${JSON.parse(event).type}\ndata: ${event}\n\n`).join("");
    const never = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(new TextEncoder().encode(text)) });
    const host = testHost({
      secret: () => "k",
      fetch: () => Promise.resolve(new Response(never, { headers: { "content-type": "text/event-stream" } })),
    });
    const provider = await anthropic.create(anthropic.options.parse({}), host) as Provider;
    const { context } = await setUp(text, "text/event-stream");
    const { frames } = await messagesOperation.stream!(provider, { ...request, stream: true }, context, options);
    const chunks: unknown[] = [];
    for await (const batch of frames) chunks.push(...batch);
    expect(chunks).toHaveLength(events.length);
  });

  test("has its tokens counted by the backend", async () => {
    const { provider, context, seen } = await setUp('{"input_tokens":17}', "application/json");
    const { max_tokens: _limit, ...counted } = request;
    const { text } = await countTokensOperation.complete(provider, counted, context, options);
    expect(text).toBe('{"input_tokens":17}');
    expect(seen[0]!.url).toEndWith("/v1/messages/count_tokens");
  });

  test("does not send on the unsigned thinking that the gateway made of another backend's", async () => {
    const { provider, context, seen, losses } = await setUp(answer, "application/json");
    const unsigned = { type: "thinking", thinking: "other", signature: "" };
    const messages = [request.messages[0]!, { role: "assistant" as const, content: [unsigned, { type: "text", text: "x" }] }, request.messages[0]!];
    await messagesOperation.complete(provider, { ...request, messages } as never, context, options);
    expect(JSON.stringify(seen[0]!.body)).not.toContain("other");
    expect(losses).toEqual(["dropped messages[1].content"]);
    const alone = [request.messages[0]!, { role: "assistant" as const, content: [unsigned] }, request.messages[0]!];
    await messagesOperation.complete(provider, { ...request, messages: alone } as never, context, options);
    expect((seen[1]!.body as { messages: unknown[] }).messages).toHaveLength(2);
  });
});
