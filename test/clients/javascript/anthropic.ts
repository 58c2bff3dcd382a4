/** The official client of Anthropic's protocol; the backend behind the gateway speaks OpenAI's. */
import Anthropic from "@anthropic-ai/sdk";
import { jsonSchemaOutputFormat } from "@anthropic-ai/sdk/helpers/json-schema";
import type { Client } from "../support/run-checks.ts";
import { citySchema, picture, question, reportSchema, weather } from "../support/fixtures.ts";
import { type ObservedStream, parsedArguments, type StreamReader } from "../support/observed-stream.ts";
import type { World } from "../support/world.ts";

type Request = Omit<Anthropic.MessageCreateParamsNonStreaming, "stream">;

const ask = (content: Anthropic.MessageParam["content"] = question): Anthropic.MessageParam[] => [
  { role: "user", content },
];

const request = (model: string, more: Partial<Request> = {}): Request => ({
  model,
  max_tokens: 1000,
  messages: ask(),
  ...more,
});

const connect = ({ gateway, key }: World, options: { apiKey?: string; maxRetries?: number } = {}) =>
  new Anthropic({ baseURL: gateway.origin, apiKey: key, authToken: null, maxRetries: 0, ...options });

const whole = (world: World, given: Request) => connect(world).messages.create(given);

const streamed = (world: World, given: Request) => connect(world).messages.stream(given).finalMessage();

/** The words of the other protocol, which the shared checks use. */
const finishes: Readonly<Record<string, string>> = {
  end_turn: "stop",
  max_tokens: "length",
  tool_use: "tool_calls",
  refusal: "content_filter",
};

const finishOf = ({ stop_reason: reason }: Anthropic.Message) => finishes[reason ?? ""];

const textOf = ({ content }: Anthropic.Message) =>
  content.map((block) => block.type === "text" ? block.text : "").join("");

const answer = (message: Anthropic.Message) => ({ text: textOf(message), finish: finishOf(message) });

/** Its input is what no cache had. */
const counts = ({ usage }: Anthropic.Message) => ({
  input: usage.input_tokens + (usage.cache_read_input_tokens ?? 0),
  output: usage.output_tokens,
  cached: usage.cache_read_input_tokens,
});

const thoughts = (message: Anthropic.Message) => ({
  reasoning: message.content.map((block) => block.type === "thinking" ? block.thinking : "").join(""),
  text: textOf(message),
});

const tools = [{ name: "get_weather", input_schema: citySchema as unknown as Anthropic.Tool.InputSchema }];

async function twoTurns(model: string, turn: (given: Request) => Promise<Anthropic.Message>) {
  const first = await turn(request(model, { tools }));
  const uses = first.content.filter((block) => block.type === "tool_use");
  const results = uses.map(({ id, input }) => ({
    type: "tool_result" as const,
    tool_use_id: id,
    content: weather[(input as { city: string }).city]!,
  }));
  const messages: Anthropic.MessageParam[] = [
    ...ask(),
    { role: "assistant", content: first.content },
    { role: "user", content: results },
  ];
  const second = await turn(request(model, { tools, messages }));
  return {
    calls: uses.map(({ name, input }) => ({ name, arguments: input })),
    finish: finishOf(first),
    answer: textOf(second),
  };
}

async function refusal(asked: Promise<unknown>, type: new (...given: never[]) => Error) {
  const error = await asked.then(() => undefined, (thrown) => thrown);
  return { status: error?.status, ofItsClass: error instanceof type, message: error?.message };
}

const refused = (model: string, type: new (...given: never[]) => Error) => (world: World) =>
  refusal(whole(world, request(model)), type);

async function failsInTheMiddle(world: World, model: string) {
  const stream = await connect(world).messages.create({ ...request(model), stream: true });
  let text = "";
  try {
    for await (const event of stream) {
      if (event.type === "content_block_delta" && event.delta.type === "text_delta") text += event.delta.text;
    }
    return { text, failed: false };
  } catch (error) {
    return { text, failed: error instanceof Anthropic.APIError };
  }
}

export const anthropicClient: Client = {
  chat: async (world) => answer(await whole(world, request("cloud/greeting"))),
  "text of many scripts": async (world) => answer(await streamed(world, request("cloud/polyglot"))),
  async stream(world) {
    let pieces = 0;
    const stream = connect(world).messages.stream(request("cloud/greeting")).on("text", () => pieces++);
    return { ...answer(await stream.finalMessage()), pieces };
  },
  "tools over two turns": (world) => twoTurns("cloud/weather", (given) => whole(world, given)),
  "parallel tools": (world) => twoTurns("cloud/weather-of-two", (given) => whole(world, given)),
  "parallel tools, streamed": (world) => twoTurns("cloud/weather-of-two", (given) => streamed(world, given)),
  async "structured output"(world) {
    const { parsed_output: value } = await connect(world).messages.parse({
      ...request("cloud/structured"),
      output_config: { format: jsonSchemaOutputFormat(reportSchema) },
    });
    return { value };
  },
  async "image input"(world) {
    const source = { type: "base64", media_type: "image/png", data: picture } as const;
    const messages = ask([{ type: "text", text: "What is it?" }, { type: "image", source }]);
    return { text: textOf(await whole(world, request("cloud/picture", { messages }))) };
  },
  usage: async (world) => counts(await whole(world, request("cloud/counted"))),
  "usage, streamed": async (world) => counts(await streamed(world, request("cloud/counted"))),
  reasoning: async (world) => thoughts(await whole(world, request("cloud/thinker"))),
  "reasoning, streamed": async (world) => thoughts(await streamed(world, request("cloud/thinker"))),
  embeddings: { cannot: "Anthropic's protocol has no embeddings" },
  async models(world) {
    const listed: string[] = [];
    for await (const { id } of connect(world).models.list()) if (id.startsWith("cloud/")) listed.push(id);
    return { listed: listed.sort() };
  },
  async "counting tokens"(world) {
    const { input_tokens: count } = await connect(world).messages.countTokens({
      model: "cloud/greeting",
      messages: ask(),
    });
    return { counted: Number.isInteger(count) && count > 0 };
  },
  async "request id"(world) {
    const { _request_id: id } = await whole(world, request("cloud/greeting"));
    const error = await whole(world, request("nowhere/model")).catch((thrown) => thrown);
    return { ofAnswer: String(id).startsWith("req_"), ofFailure: String(error.requestID).startsWith("req_") };
  },
  "error 400": refused("cloud/error-400", Anthropic.BadRequestError),
  "error 401": (world) =>
    refusal(
      connect(world, { apiKey: "wrong" }).messages.create(request("cloud/greeting")),
      Anthropic.AuthenticationError,
    ),
  "error 404": refused("nowhere/model", Anthropic.NotFoundError),
  "error 429": refused("cloud/error-429", Anthropic.RateLimitError),
  "error 500": refused("cloud/error-500", Anthropic.InternalServerError),
  "error 503": refused("cloud/error-503", Anthropic.InternalServerError),
  "error before a stream": (world) =>
    refusal(
      connect(world).messages.create({ ...request("cloud/error-first"), stream: true }),
      Anthropic.InternalServerError,
    ),
  "error in the middle of a stream": (world) => failsInTheMiddle(world, "cloud/error-mid-stream"),
  "connection cut in the middle of a stream": (world) => failsInTheMiddle(world, "cloud/cut"),
  async "leaving while it waits"(world) {
    const leaving = new AbortController();
    const left = connect(world).messages.create(request("cloud/hang"), { signal: leaving.signal })
      .then(() => false, (error) => error instanceof Anthropic.APIUserAbortError);
    await world.untilCalled("hang");
    leaving.abort();
    return { left: await left };
  },
  async "leaving in the middle of a stream"(world) {
    const stream = await connect(world).messages.create({
      ...request("cloud/hang-mid-stream"),
      stream: true,
    });
    for await (const event of stream) if (event.type === "content_block_delta") stream.controller.abort();
    return { left: stream.controller.signal.aborted };
  },
  async "no retry when told"(world) {
    const error = await connect(world, { maxRetries: 2 }).messages.create(request("stubborn"))
      .catch((thrown) => thrown);
    return { status: error.status };
  },
  async "retry after a rate limit"(world) {
    return {
      text: textOf(await connect(world, { maxRetries: 2 }).messages.create(request("cloud/limited-once"))),
    };
  },
};

const client = (origin: string, key: string) =>
  new Anthropic({ baseURL: origin, apiKey: key, authToken: null, maxRetries: 0, timeout: 10_000 });

const isClean = (error: unknown) => error instanceof Anthropic.APIError;

export const anthropicReaders: readonly StreamReader[] = [
  {
    name: "@anthropic-ai/sdk, event by event",
    isClean,
    async read(origin, key, model): Promise<ObservedStream> {
      const stream = await client(origin, key).messages.create({ ...request(model), stream: true });
      let content = "";
      let finish: string | undefined;
      const calls = new Map<number, { name: string; text: string }>();
      for await (const event of stream) {
        if (event.type === "content_block_start" && event.content_block.type === "tool_use") {
          calls.set(event.index, { name: event.content_block.name, text: "" });
        } else if (event.type === "content_block_delta") {
          if (event.delta.type === "text_delta") content += event.delta.text;
          if (event.delta.type === "input_json_delta") {
            calls.get(event.index)!.text += event.delta.partial_json;
          }
        } else if (event.type === "message_delta") finish = finishes[event.delta.stop_reason ?? ""];
      }
      return {
        content,
        finish,
        calls: [...calls.values()].map(({ name, text }) => ({
          name,
          arguments: parsedArguments(text || "{}"),
        })),
      };
    },
  },
  {
    name: "@anthropic-ai/sdk, by its helper",
    // The helper wraps errors of the connection in its base class.
    isClean: (error) => error instanceof Anthropic.AnthropicError,
    async read(origin, key, model): Promise<ObservedStream> {
      const message = await client(origin, key).messages.stream(request(model)).finalMessage();
      return {
        content: textOf(message),
        finish: finishOf(message),
        calls: message.content.flatMap((block) =>
          block.type === "tool_use" ? [{ name: block.name, arguments: block.input }] : []
        ),
      };
    },
  },
];
