/**
 * What the pieces of a stream cost in each translation, CPU for 1,000 of them: from a backend's bytes to the text that the client gets.
 * Run it with `bun bench/micro/translate.ts`; the passage of OpenAI's protocol to itself is what the others are compared with.
 */
import { EventStreamCodec } from "@smithy/eventstream-codec";
import { fromUtf8, toUtf8 } from "@smithy/util-utf8";
import { bench, run, summary } from "mitata";
import type { AnyPlugin, Provider } from "intellirouter/plugin";
import { chatOperation } from "../../src/gateway/operations/chat.ts";
import { messagesOperation } from "../../src/gateway/operations/messages.ts";
import { responsesOperation } from "../../src/gateway/operations/responses.ts";
import type { Operation } from "../../src/gateway/operation.ts";
import anthropic from "../../plugins/providers/anthropic/index.ts";
import bedrock from "../../plugins/providers/bedrock/index.ts";
import gemini from "../../plugins/providers/gemini/index.ts";
import openAiCompatible from "../../plugins/providers/openai-compatible/index.ts";
import { turnOf } from "../../test/support/response-fixtures.ts";
import { testHost } from "../../test/support/test-host.ts";

const pieces = 1_000;
const options = {
  includeUsage: false,
  forcedModel: undefined,
  fallbackId: "req_1",
  fallbackModel: "m",
  created: 1_700_000_000,
};
const encoder = new TextEncoder();

function chatStream(): string[] {
  const chunk = (delta: object, finish: string | null = null) =>
    `data: ${
      JSON.stringify({
        id: "chatcmpl-CkT0qWb1Jm6yJd7aXz2v9o3e",
        object: "chat.completion.chunk",
        created: 1_700_000_000,
        model: "gpt-4o-mini-2024-07-18",
        choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
      })
    }\n\n`;
  return [
    chunk({ role: "assistant", content: "" }),
    ...Array.from({ length: pieces }, () => chunk({ content: " token" })),
    chunk({}, "stop"),
    "data: [DONE]\n\n",
  ];
}

function messageStream(): string[] {
  const event = (value: { type: string; [field: string]: unknown }) =>
    `event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`;
  const message = {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "claude",
    content: [],
    stop_reason: null,
  };
  return [
    event({ type: "message_start", message: { ...message, usage: { input_tokens: 9, output_tokens: 1 } } }),
    event({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } }),
    ...Array.from(
      { length: pieces },
      () => event({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text: " token" } }),
    ),
    event({ type: "content_block_stop", index: 0 }),
    event({ type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: pieces } }),
    event({ type: "message_stop" }),
  ];
}

function geminiStream(): string[] {
  const event = (text: string, more: object = {}) =>
    `data: ${
      JSON.stringify({
        candidates: [{ content: { role: "model", parts: [{ text }] }, index: 0, ...more }],
        usageMetadata: { promptTokenCount: 9, candidatesTokenCount: 7, totalTokenCount: 16 },
        modelVersion: "gemini-3-flash-preview",
        responseId: "r1",
      })
    }\r\n\r\n`;
  return [...Array.from({ length: pieces }, () => event(" token")), event("", { finishReason: "STOP" })];
}

function bedrockStream(): Uint8Array[] {
  const codec = new EventStreamCodec(toUtf8, fromUtf8);
  const header = (value: string) => ({ type: "string" as const, value });
  const event = (type: string, payload: object) =>
    codec.encode({
      headers: {
        ":event-type": header(type),
        ":content-type": header("application/json"),
        ":message-type": header("event"),
      },
      body: fromUtf8(JSON.stringify(payload)),
    });
  return [
    event("messageStart", { role: "assistant" }),
    ...Array.from(
      { length: pieces },
      () => event("contentBlockDelta", { contentBlockIndex: 0, delta: { text: " token" }, p: "abcdefgh" }),
    ),
    event("contentBlockStop", { contentBlockIndex: 0 }),
    event("messageStop", { stopReason: "end_turn" }),
    event("metadata", {
      usage: { inputTokens: 9, outputTokens: 7, totalTokens: 16 },
      metrics: { latencyMs: 9 },
    }),
  ];
}

/** A provider whose backend answers with these pieces, each in a read of its own, without a network. */
async function providerOf(
  plugin: AnyPlugin,
  pluginOptions: object,
  stream: readonly (string | Uint8Array)[],
  contentType = "text/event-stream",
): Promise<Provider> {
  const bytes = stream.map((piece) => typeof piece === "string" ? encoder.encode(piece) : piece);
  const host = testHost({
    secret: () => "key",
    fetch: () => {
      let position = 0;
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          if (position === bytes.length) controller.close();
          else controller.enqueue(bytes[position++]!);
        },
      }, { highWaterMark: 0 });
      return Promise.resolve(new Response(body, { headers: { "content-type": contentType } }));
    },
  });
  return await plugin.create(plugin.options.parse(pluginOptions), host) as Provider;
}

async function drain(operation: Operation, provider: Provider, body: object): Promise<number> {
  const { frames, normaliser } = await operation.stream!(
    provider,
    { model: "m", stream: true, ...body } as never,
    {
      requestId: "req_1",
      signal: new AbortController().signal,
      tenant: "default",
      reportLoss: () => {},
    },
    options,
  );
  const out: string[] = [];
  for await (const batch of frames) for (const frame of batch) normaliser.push(frame, out);
  normaliser.finish(out);
  return out.length;
}

const messages = [{ role: "user", content: "Hello" }];
const openai = await providerOf(openAiCompatible, { base_url: "http://h/v1" }, chatStream());
const claude = await providerOf(anthropic, {}, messageStream());
const google = await providerOf(gemini, {}, geminiStream());
const aws = await providerOf(bedrock, {}, bedrockStream(), "application/vnd.amazon.eventstream");

/** A turn belongs to one stream. */
const responses: Operation = {
  ...responsesOperation(turnOf()) as unknown as Operation,
  stream: (provider, body, context, each) =>
    responsesOperation(turnOf()).stream!(provider, body as never, context, each),
};

const ways: readonly (readonly [string, Operation, Provider, object])[] = [
  ["chat to chat (bytes pass)", chatOperation as Operation, openai, { messages }],
  ["messages to messages (bytes pass)", messagesOperation as Operation, claude, { messages, max_tokens: 9 }],
  ["chat from Anthropic", chatOperation as Operation, claude, { messages }],
  ["chat from Gemini", chatOperation as Operation, google, { messages }],
  ["chat from Bedrock", chatOperation as Operation, aws, { messages }],
  ["messages from chat", messagesOperation as Operation, openai, { messages, max_tokens: 9 }],
  ["responses from chat", responses, openai, { input: "Hello" }],
  ["responses from Anthropic", responses, claude, { input: "Hello" }],
];

summary(() => {
  for (const [name, operation, provider, body] of ways) {
    bench(`${name}, ${pieces} pieces`, () => drain(operation, provider, body));
  }
});

await run();
