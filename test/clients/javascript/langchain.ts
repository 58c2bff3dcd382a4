/** LangChain's client of OpenAI's protocol, which stands on the official one and retries by itself. */
import {
  AIMessage,
  type AIMessageChunk,
  HumanMessage,
  ToolMessage,
  type UsageMetadata,
} from "@langchain/core/messages";
import { ChatOpenAI, type ChatOpenAIFields, OpenAIEmbeddings } from "@langchain/openai";
import OpenAI from "openai";
import type { Client } from "../support/run-checks.ts";
import { citySchema, picture, question, reportSchema, weather } from "../support/fixtures.ts";
import type { ObservedStream, StreamReader } from "../support/observed-stream.ts";
import type { World } from "../support/world.ts";

function connect(
  origin: string,
  key: string,
  model: string,
  options: Partial<ChatOpenAIFields> = {},
): ChatOpenAI {
  const configuration = { baseURL: `${origin}/v1` };
  return new ChatOpenAI({
    model,
    apiKey: key,
    configuration,
    maxRetries: 0,
    useResponsesApi: false,
    ...options,
  });
}

const chat = ({ gateway, key }: World, model: string, options?: Partial<ChatOpenAIFields>) =>
  connect(gateway.origin, key, model, options);

const tools = [{
  type: "function" as const,
  function: { name: "get_weather", parameters: citySchema as unknown as Record<string, unknown> },
}];

async function joined(stream: AsyncIterable<AIMessageChunk>): Promise<AIMessageChunk> {
  let all: AIMessageChunk | undefined;
  for await (const piece of stream) all = all === undefined ? piece : all.concat(piece);
  if (all === undefined) throw new Error("the stream was empty");
  return all;
}

const answer = (message: AIMessage) => ({
  text: message.text,
  finish: message.response_metadata.finish_reason as unknown,
});

function counts(message: AIMessage) {
  const usage = message.usage_metadata as UsageMetadata | undefined;
  return {
    input: usage?.input_tokens,
    output: usage?.output_tokens,
    cached: usage?.input_token_details?.cache_read,
  };
}

const thoughts = (message: AIMessage) => ({
  reasoning: message.additional_kwargs.reasoning_content,
  text: message.text,
});

async function twoTurns(world: World, model: string, streaming: boolean) {
  const bound = chat(world, model).bindTools(tools);
  const turn = async (messages: (HumanMessage | AIMessage | ToolMessage)[]) =>
    streaming ? await joined(await bound.stream(messages)) : await bound.invoke(messages);
  const asked = new HumanMessage(question);
  const first = await turn([asked]);
  const results = first.tool_calls!.map(({ id, args }) =>
    new ToolMessage({ tool_call_id: id!, content: weather[args.city]! })
  );
  const second = await turn([asked, first, ...results]);
  return {
    calls: first.tool_calls!.map(({ name, args }) => ({ name, arguments: args })),
    finish: answer(first).finish,
    answer: second.text,
  };
}

async function refusal(request: Promise<unknown>, type: new (...given: never[]) => Error) {
  const error = await request.then(() => undefined, (thrown) => thrown);
  return { status: error?.status, ofItsClass: error instanceof type, message: error?.message };
}

const refused = (model: string, type: new (...given: never[]) => Error) => (world: World) =>
  refusal(chat(world, model).invoke(question), type);

async function failsInTheMiddle(world: World, model: string) {
  let text = "";
  try {
    for await (const piece of await chat(world, model).stream(question)) text += piece.text;
    return { text, failed: false };
  } catch (error) {
    return { text, failed: error instanceof OpenAI.APIError };
  }
}

export const langChainClient: Client = {
  chat: async (world) => answer(await chat(world, "cloud/greeting").invoke(question)),
  "text of many scripts": async (world) =>
    answer(await joined(await chat(world, "cloud/polyglot").stream(question))),
  async stream(world) {
    let pieces = 0;
    let all: AIMessageChunk | undefined;
    for await (const piece of await chat(world, "cloud/greeting").stream(question)) {
      if (piece.text !== "") pieces++;
      all = all === undefined ? piece : all.concat(piece);
    }
    return { ...answer(all!), pieces };
  },
  "tools over two turns": (world) => twoTurns(world, "cloud/weather", false),
  "parallel tools": (world) => twoTurns(world, "cloud/weather-of-two", false),
  "parallel tools, streamed": (world) => twoTurns(world, "cloud/weather-of-two", true),
  async "structured output"(world) {
    const structured = chat(world, "cloud/structured").withStructuredOutput(
      reportSchema as unknown as Record<string, unknown>,
      { method: "jsonSchema", name: "report" },
    );
    return { value: await structured.invoke(question) };
  },
  async "image input"(world) {
    const message = new HumanMessage({
      content: [
        { type: "text", text: "What is it?" },
        { type: "image_url", image_url: { url: `data:image/png;base64,${picture}` } },
      ],
    });
    return { text: (await chat(world, "cloud/picture").invoke([message])).text };
  },
  usage: async (world) => counts(await chat(world, "cloud/counted").invoke(question)),
  "usage, streamed": async (world) =>
    counts(await joined(await chat(world, "cloud/counted", { streamUsage: true }).stream(question))),
  reasoning: async (world) => thoughts(await chat(world, "cloud/thinker").invoke(question)),
  "reasoning, streamed": async (world) =>
    thoughts(await joined(await chat(world, "cloud/thinker").stream(question))),
  async embeddings({ gateway, key }) {
    const embeddings = new OpenAIEmbeddings({
      model: "cloud/embedder",
      apiKey: key,
      configuration: { baseURL: `${gateway.origin}/v1` },
    });
    return { vectors: await embeddings.embedDocuments(["a", "b"]) };
  },
  models: { cannot: "LangChain's chat models do not list models" },
  "counting tokens": { cannot: "OpenAI's chat protocol has no endpoint that counts tokens" },
  "request id": { cannot: "LangChain does not show the headers of answers" },
  "error 400": refused("cloud/error-400", OpenAI.BadRequestError),
  "error 401": ({ gateway }) =>
    refusal(connect(gateway.origin, "wrong", "cloud/greeting").invoke(question), OpenAI.AuthenticationError),
  "error 404": refused("nowhere/model", OpenAI.NotFoundError),
  "error 429": refused("cloud/error-429", OpenAI.RateLimitError),
  "error 500": refused("cloud/error-500", OpenAI.InternalServerError),
  "error 503": refused("cloud/error-503", OpenAI.InternalServerError),
  "error before a stream": (world) =>
    refusal(chat(world, "cloud/error-first").stream(question).then(joined), OpenAI.InternalServerError),
  "error in the middle of a stream": (world) => failsInTheMiddle(world, "cloud/error-mid-stream"),
  "connection cut in the middle of a stream": (world) => failsInTheMiddle(world, "cloud/cut"),
  async "leaving while it waits"(world) {
    const leaving = new AbortController();
    const left = chat(world, "cloud/hang").invoke(question, { signal: leaving.signal })
      .then(() => false, () => leaving.signal.aborted);
    await world.untilCalled("hang");
    leaving.abort();
    return { left: await left };
  },
  async "leaving in the middle of a stream"(world) {
    const leaving = new AbortController();
    const reading = (async () => {
      const stream = await chat(world, "cloud/hang-mid-stream").stream(question, { signal: leaving.signal });
      for await (const piece of stream) if (piece.text !== "") leaving.abort();
    })();
    return { left: await reading.then(() => true, () => leaving.signal.aborted) };
  },
  "no retry when told": { cannot: "LangChain's own loop around the client does not read x-should-retry" },
  async "retry after a rate limit"(world) {
    return { text: (await chat(world, "cloud/limited-once", { maxRetries: 2 }).invoke(question)).text };
  },
};

export const langChainReader: StreamReader = {
  name: "@langchain/openai",
  isClean: (error) => error instanceof OpenAI.APIError,
  async read(origin, key, model): Promise<ObservedStream> {
    const all = await joined(await connect(origin, key, model, { timeout: 10_000 }).stream(question));
    return {
      content: all.text,
      finish: all.response_metadata.finish_reason as string | undefined,
      calls: (all.tool_calls ?? []).map(({ name, args }) => ({ name, arguments: args })),
    };
  },
};
