/** Vercel's AI SDK: one interface over clients of its own for each protocol. */
import {
  APICallError,
  type EmbeddingModel,
  embedMany,
  generateText,
  isStepCount,
  jsonSchema,
  type LanguageModel,
  Output,
  StreamProviderError,
  streamText,
  tool,
  type ToolSet,
} from "ai";
import type { Client } from "../support/run-checks.ts";
import { citySchema, picture, question, reportSchema, weather } from "../support/fixtures.ts";
import type { ObservedStream, StreamReader } from "../support/observed-stream.ts";
import type { World } from "../support/world.ts";

export interface AiSdkProvider {
  readonly name: string;
  readonly model: (origin: string, key: string, id: string) => LanguageModel;
  readonly embedding?: (origin: string, key: string, id: string) => EmbeddingModel;
  /** What this client shows of a model's reasoning. */
  readonly showsReasoning: boolean;
  /** What it must be told to ask for structured output as such, and not as the call of a tool. */
  readonly structured?: NonNullable<Parameters<typeof generateText>[0]["providerOptions"]>;
}

const tools = {
  get_weather: tool({
    inputSchema: jsonSchema<{ city: string }>(citySchema as never),
    execute: ({ city }) => weather[city]!,
  }),
};

// Errors of streams are seen where they are read; by default they would be printed as well.
const quiet = { maxRetries: 0, maxOutputTokens: 1000, onError: () => {} };

export function aiSdkClient({ model: create, embedding, showsReasoning, structured }: AiSdkProvider): Client {
  const model = ({ gateway, key }: World, id: string) => create(gateway.origin, key, id);
  const whole = (world: World, id: string, prompt = question) =>
    generateText({ model: model(world, id), prompt, maxRetries: 0, maxOutputTokens: 1000 });

  async function refusal(request: PromiseLike<unknown>) {
    const error = await request.then(() => undefined, (thrown) => thrown);
    return {
      status: error?.statusCode,
      ofItsClass: APICallError.isInstance(error),
      message: error?.message,
    };
  }

  const refused = (id: string) => (world: World) => refusal(whole(world, id));

  const counts = (usage: Awaited<ReturnType<typeof generateText>>["usage"]) => ({
    input: usage.inputTokens,
    output: usage.outputTokens,
    cached: usage.inputTokenDetails.cacheReadTokens,
  });

  async function twoTurns(world: World, id: string, stream: boolean) {
    const options = {
      model: model(world, id),
      prompt: question,
      maxOutputTokens: 1000,
      tools,
      stopWhen: isStepCount(3),
    };
    const result = stream ? streamText({ ...options, ...quiet }) : await generateText(options);
    const [first] = await result.steps;
    return {
      calls: first!.toolCalls.map(({ toolName, input }) => ({ name: toolName, arguments: input })),
      finish: underscored(first!.finishReason),
      answer: (await result.steps).at(-1)!.text,
    };
  }

  async function failsInTheMiddle(world: World, id: string) {
    const seen = { text: "", failed: false };
    for await (const part of streamText({ model: model(world, id), prompt: question, ...quiet }).fullStream) {
      if (part.type === "text-delta") seen.text += part.text;
      if (part.type === "error") seen.failed = true;
    }
    return seen;
  }

  const noReasoning = { cannot: "its chat model for this protocol does not read reasoning out of answers" };

  return {
    async chat(world) {
      const { text, finishReason } = await whole(world, "cloud/greeting");
      return { text, finish: underscored(finishReason) };
    },
    async "text of many scripts"(world) {
      const result = streamText({ model: model(world, "cloud/polyglot"), prompt: question, ...quiet });
      return { text: await result.text, finish: underscored(await result.finishReason) };
    },
    async stream(world) {
      const result = streamText({ model: model(world, "cloud/greeting"), prompt: question, ...quiet });
      const seen = { text: "", pieces: 0 };
      for await (const piece of result.textStream) {
        seen.text += piece;
        seen.pieces++;
      }
      return { ...seen, finish: underscored(await result.finishReason) };
    },
    "tools over two turns": (world) => twoTurns(world, "cloud/weather", false),
    "parallel tools": (world) => twoTurns(world, "cloud/weather-of-two", false),
    "parallel tools, streamed": (world) => twoTurns(world, "cloud/weather-of-two", true),
    async "structured output"(world) {
      const { output } = await generateText({
        model: model(world, "cloud/structured"),
        prompt: question,
        maxOutputTokens: 1000,
        ...(structured === undefined ? {} : { providerOptions: structured }),
        output: Output.object({ schema: jsonSchema(reportSchema as never) }),
      });
      return { value: output };
    },
    async "image input"(world) {
      const { text } = await generateText({
        model: model(world, "cloud/picture"),
        maxOutputTokens: 1000,
        messages: [{
          role: "user",
          content: [
            { type: "text", text: "What is it?" },
            { type: "file", data: picture, mediaType: "image/png" },
          ],
        }],
      });
      return { text };
    },
    usage: async (world) => counts((await whole(world, "cloud/counted")).usage),
    "usage, streamed": async (world) =>
      counts(await streamText({ model: model(world, "cloud/counted"), prompt: question, ...quiet }).usage),
    reasoning: !showsReasoning ? noReasoning : async (world) => {
      const { reasoningText, text } = await whole(world, "cloud/thinker");
      return { reasoning: reasoningText, text };
    },
    "reasoning, streamed": !showsReasoning ? noReasoning : async (world) => {
      const result = streamText({ model: model(world, "cloud/thinker"), prompt: question, ...quiet });
      return { reasoning: await result.reasoningText, text: await result.text };
    },
    embeddings: embedding === undefined
      ? { cannot: "Anthropic's protocol has no embeddings" }
      : async ({ gateway, key }) => {
        const model = embedding(gateway.origin, key, "cloud/embedder");
        return { vectors: (await embedMany({ model, values: ["a", "b"] })).embeddings };
      },
    models: { cannot: "the AI SDK does not list models" },
    "counting tokens": { cannot: "the AI SDK does not count tokens before it asks" },
    async "request id"(world) {
      const { response } = await whole(world, "cloud/greeting");
      const error = await whole(world, "nowhere/model").catch((thrown) => thrown);
      return {
        ofAnswer: String(response.headers?.["x-request-id"]).startsWith("req_"),
        ofFailure: String(error.responseHeaders["x-request-id"]).startsWith("req_"),
      };
    },
    "error 400": refused("cloud/error-400"),
    "error 401": ({ gateway }) =>
      refusal(
        generateText({
          model: create(gateway.origin, "wrong", "cloud/greeting"),
          prompt: question,
          maxRetries: 0,
        }),
      ),
    "error 404": refused("nowhere/model"),
    "error 429": refused("cloud/error-429"),
    "error 500": refused("cloud/error-500"),
    "error 503": refused("cloud/error-503"),
    async "error before a stream"(world) {
      let failure: unknown;
      const options = { model: model(world, "cloud/error-first"), prompt: question, maxRetries: 0 };
      const result = streamText({ ...options, onError: ({ error }) => void (failure = error) });
      await result.consumeStream();
      return refusal(Promise.reject(failure));
    },
    "error in the middle of a stream": (world) => failsInTheMiddle(world, "cloud/error-mid-stream"),
    "connection cut in the middle of a stream": (world) => failsInTheMiddle(world, "cloud/cut"),
    async "leaving while it waits"(world) {
      const leaving = new AbortController();
      const options = { model: model(world, "cloud/hang"), prompt: question };
      const request = generateText({ ...options, abortSignal: leaving.signal });
      const left = request.then(() => false, (error) => error.name === "AbortError");
      await world.untilCalled("hang");
      leaving.abort();
      return { left: await left };
    },
    async "leaving in the middle of a stream"(world) {
      const leaving = new AbortController();
      const options = { model: model(world, "cloud/hang-mid-stream"), prompt: question, ...quiet };
      let left = false;
      for await (const part of streamText({ ...options, abortSignal: leaving.signal }).fullStream) {
        if (part.type === "text-delta") leaving.abort();
        if (part.type === "abort") left = true;
      }
      return { left };
    },
    "no retry when told": { cannot: "the AI SDK does not read x-should-retry" },
    async "retry after a rate limit"(world) {
      const options = { model: model(world, "cloud/limited-once"), prompt: question, maxOutputTokens: 1000 };
      return { text: (await generateText(options)).text };
    },
  };
}

/** Its words for why an answer ended have hyphens. */
function underscored(reason: string): string {
  return reason.replaceAll("-", "_");
}

export function aiSdkReader({ name, model }: AiSdkProvider): StreamReader {
  return {
    name,
    isClean: (error) => APICallError.isInstance(error) || StreamProviderError.isInstance(error),
    async read(origin, key, id): Promise<ObservedStream> {
      const anything = tool({ inputSchema: jsonSchema<object>({ type: "object" }) }) as ToolSet[string];
      const offered = { weather: anything, time: anything, now: anything };
      const result = streamText({
        model: model(origin, key, id),
        prompt: question,
        tools: offered,
        ...quiet,
      });
      let content = "";
      let finish: string | undefined;
      const calls: { name: string; arguments: unknown }[] = [];
      for await (const part of result.fullStream) {
        if (part.type === "text-delta") content += part.text;
        else if (part.type === "tool-call") calls.push({ name: part.toolName, arguments: part.input });
        else if (part.type === "error") throw part.error;
        else if (part.type === "finish") finish = underscored(part.finishReason);
      }
      return { content, finish, calls };
    },
  };
}
