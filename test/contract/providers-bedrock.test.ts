import { EventStreamCodec } from "@smithy/eventstream-codec";
import { fromUtf8, toUtf8 } from "@smithy/util-utf8";
import { describe, expect, test } from "bun:test";
import type { EgressFetch, Provider } from "intellirouter/plugin";
import { UpstreamError } from "intellirouter/plugin";
import { testProvider } from "intellirouter/plugin/testing";
import bedrock from "../../plugins/providers/bedrock/index.ts";
import { testHost } from "../support/test-host.ts";

const usage = { inputTokens: 5, outputTokens: 2, totalTokens: 7 };
const answer = {
  output: { message: { role: "assistant", content: [{ text: "Hello there." }] } },
  stopReason: "end_turn",
  usage,
  metrics: { latencyMs: 1 },
};
const events = [
  ["messageStart", { role: "assistant" }],
  ["contentBlockDelta", { contentBlockIndex: 0, delta: { text: "Hello " } }],
  ["contentBlockDelta", { contentBlockIndex: 0, delta: { text: "there." } }],
  ["contentBlockStop", { contentBlockIndex: 0 }],
  ["messageStop", { stopReason: "end_turn" }],
  ["metadata", { usage, metrics: { latencyMs: 1 } }],
] as const;
const codec = new EventStreamCodec(toUtf8, fromUtf8);
const stream = () =>
  Buffer.concat(events.map(([type, payload]) =>
    codec.encode({
      headers: {
        ":event-type": { type: "string", value: type },
        ":message-type": { type: "string", value: "event" },
      },
      body: fromUtf8(JSON.stringify(payload)),
    })
  ));

const asked: { url: string; body: unknown }[] = [];
const answering: EgressFetch = (url, { body, signal } = {}) => {
  asked.push({ url, body: typeof body === "string" ? JSON.parse(body) : undefined });
  if (signal?.aborted) return Promise.reject(signal.reason);
  if (url.endsWith("/foundation-models")) {
    const onDemand = {
      modelId: "amazon.nova-lite-v1:0",
      providerName: "Amazon",
      inputModalities: ["TEXT", "IMAGE"],
      outputModalities: ["TEXT"],
      inferenceTypesSupported: ["ON_DEMAND"],
    };
    const profiled = {
      ...onDemand,
      modelId: "anthropic.claude-sonnet-4-5-20250929-v1:0",
      providerName: "Anthropic",
      inferenceTypesSupported: ["INFERENCE_PROFILE"],
    };
    const drawing = { ...onDemand, modelId: "amazon.nova-canvas-v1:0", outputModalities: ["IMAGE"] };
    return Promise.resolve(Response.json({ modelSummaries: [onDemand, profiled, drawing] }));
  }
  if (url.includes("/inference-profiles")) {
    return Promise.resolve(Response.json({
      inferenceProfileSummaries: [{
        inferenceProfileId: "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        status: "ACTIVE",
        models: [{
          modelArn: "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-sonnet-4-5-20250929-v1:0",
        }],
      }],
    }));
  }
  if (url.endsWith("/converse")) return Promise.resolve(Response.json(answer));
  if (url.endsWith("/converse-stream")) {
    const headers = { "content-type": "application/vnd.amazon.eventstream" };
    return Promise.resolve(new Response(stream(), { headers }));
  }
  const texts = (JSON.parse(String(body)) as { texts?: unknown[] }).texts;
  return Promise.resolve(
    texts === undefined ? Response.json({ embedding: [0.5, 0.25], inputTextTokenCount: 3 }) : Response.json(
      { embeddings: { float: texts.map(() => [0.5]) }, response_type: "embeddings_by_type" },
      {
        headers: { "x-amzn-bedrock-input-token-count": "4" },
      },
    ),
  );
};
const failing: EgressFetch = () =>
  Promise.reject(new UpstreamError({ kind: "unavailable", message: "away" }));

const make = (fetch: EgressFetch) =>
  bedrock.create(
    bedrock.options.parse({}),
    testHost({ fetch, secret: (name) => name === "api_key" ? "key" : undefined }),
  ) as Promise<Provider>;
const context = {
  requestId: "r",
  tenant: "t",
  signal: new AbortController().signal,
  reportLoss: () => {},
};

describe("bedrock", () => {
  testProvider({ describe, test, expect }, {
    make: () => make(answering),
    chatModel: "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    embeddingModel: "amazon.titan-embed-text-v2:0",
    makeFailing: () => make(failing),
  });

  test("lists models on demand by their id, others by the profiles that hold them, and none without words", async () => {
    expect(await (await make(answering)).listModels!(context)).toEqual([
      { id: "amazon.nova-lite-v1:0", ownedBy: "amazon", vision: true, chat: true, embeddings: false },
      {
        id: "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        ownedBy: "anthropic",
        vision: true,
        chat: true,
        embeddings: false,
      },
    ]);
  });

  test("Cohere's models embed many texts in a call, 96 at most, and count tokens in a header", async () => {
    asked.length = 0;
    const input = Array.from({ length: 100 }, (_, index) => `text ${index}`);
    const { body } = await (await make(answering)).embeddings!.create(
      { model: "us.cohere.embed-v4:0", input, dimensions: 256, input_type: "search_query" },
      context,
    );
    expect(body.data.map(({ index }) => index)).toEqual(input.map((_, index) => index));
    expect(body.usage).toEqual({ prompt_tokens: 8, total_tokens: 8 });
    expect(asked).toEqual([input.slice(0, 96), input.slice(96)].map((texts) => ({
      url: "https://bedrock-runtime.us-east-1.amazonaws.com/model/us.cohere.embed-v4%3A0/invoke",
      body: { texts, input_type: "search_query", embedding_types: ["float"], output_dimension: 256 },
    })));
  });

  test("what an embedding model cannot do is refused", async () => {
    for (
      const [request, param] of [
        [{ model: "amazon.titan-embed-text-v1", input: "a", dimensions: 5 }, "dimensions"],
        [{ model: "cohere.embed-english-v3", input: "a", dimensions: 5 }, "dimensions"],
        [{ model: "amazon.titan-embed-text-v2:0", input: [1, 2] }, "input"],
        [{ model: "meta.llama3", input: "a" }, "model"],
      ] as const
    ) {
      const failure = await (await make(answering)).embeddings!.create(request as never, context).then(
        () => undefined,
        (error) => error,
      );
      expect(failure).toMatchObject({ kind: "unsupported", param });
    }
  });

  test("refuses an option that it does not know, and a region that is none", () => {
    expect(bedrock.options.safeParse({ no_such_option: 1 }).success).toBe(false);
    expect(bedrock.options.safeParse({ region: "evil.example/x" }).success).toBe(false);
    for (const region of ["us-east-1", "us-gov-west-1", "cn-north-1", "ap-southeast-4"]) {
      expect(bedrock.options.safeParse({ region }).success).toBe(true);
    }
  });
});
