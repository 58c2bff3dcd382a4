/**
 * What the pieces of a stream cost in each translation, CPU for 1,000 of them: from a backend's bytes to the text that the client gets.
 * Run it with `bun bench/micro/translate.ts`; the passage of OpenAI's protocol to itself is what the others are compared with.
 */
import { bench, run, summary } from "mitata";
import type { AnyPlugin, Provider } from "intellirouter/plugin";
import { chatOperation } from "../../src/gateway/operations/chat.ts";
import { messagesOperation } from "../../src/gateway/operations/messages.ts";
import { responsesOperation } from "../../src/gateway/operations/responses.ts";
import type { Operation } from "../../src/gateway/operation.ts";
import anthropic from "../../plugins/providers/anthropic/index.ts";
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

/** A provider whose backend answers with these pieces, each in a read of its own, without a network. */
function providerOf(plugin: AnyPlugin, pluginOptions: object, stream: readonly string[]): Provider {
  const bytes = stream.map((text) => encoder.encode(text));
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
      return Promise.resolve(new Response(body, { headers: { "content-type": "text/event-stream" } }));
    },
  });
  return plugin.create(plugin.options.parse(pluginOptions), host) as Provider;
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
const openai = providerOf(openAiCompatible, { base_url: "http://h/v1" }, chatStream());
const claude = providerOf(anthropic, {}, messageStream());

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
