/** The official client of OpenAI's protocol, whose majors share their interface but for where the helpers are. */
import type OpenAI from "openai";
import type { Client } from "../support/run-checks.ts";
import { citySchema, picture, question, reportSchema, weather } from "../support/fixtures.ts";
import { type ObservedStream, parsedArguments, type StreamReader } from "../support/observed-stream.ts";
import type { World } from "../support/world.ts";

export interface Major {
  readonly name: string;
  readonly OpenAI: typeof OpenAI;
  /** Where `stream` and `parse` are. */
  readonly helpers: (client: OpenAI) => OpenAI["chat"]["completions"];
}

type Messages = OpenAI.ChatCompletionMessageParam[];
type Request = Omit<OpenAI.ChatCompletionCreateParamsNonStreaming, "stream">;

const ask = (content: OpenAI.ChatCompletionUserMessageParam["content"] = question): Messages => [
  { role: "user", content },
];

const tools: OpenAI.ChatCompletionFunctionTool[] = [
  { type: "function", function: { name: "get_weather", parameters: citySchema as never } },
];

export function openAiClient({ OpenAI, helpers }: Major): Client {
  const connect = ({ gateway, key }: World, options: { apiKey?: string; maxRetries?: number } = {}) =>
    new OpenAI({ baseURL: `${gateway.origin}/v1`, apiKey: key, maxRetries: 0, ...options });

  const whole = (world: World, request: Request) => connect(world).chat.completions.create(request);

  async function refusal(request: Promise<unknown>, type: new (...given: never[]) => Error) {
    const error = await request.then(() => undefined, (thrown) => thrown);
    return { status: error?.status, ofItsClass: error instanceof type, message: error?.message };
  }

  const refused = (model: string, type: new (...given: never[]) => Error) => (world: World) =>
    refusal(whole(world, { model, messages: ask() }), type);

  async function failsInTheMiddle(world: World, model: string) {
    const stream = await connect(world).chat.completions.create({ model, messages: ask(), stream: true });
    let text = "";
    try {
      for await (const piece of stream) text += piece.choices[0]?.delta.content ?? "";
      return { text, failed: false };
    } catch (error) {
      return { text, failed: error instanceof OpenAI.APIError };
    }
  }

  async function twoTurns(
    model: string,
    turn: (request: Request) => Promise<OpenAI.ChatCompletion>,
  ) {
    const first = (await turn({ model, messages: ask(), tools })).choices[0]!;
    const calls = (first.message.tool_calls ?? []).flatMap((call) =>
      call.type === "function" ? [{ id: call.id, ...called(call.function) }] : []
    );
    const results: Messages = calls.map(({ id, arguments: { city } }) => ({
      role: "tool",
      tool_call_id: id,
      content: weather[city]!,
    }));
    const second = await turn({ model, messages: [...ask(), first.message, ...results], tools });
    return {
      calls: calls.map(({ id: _id, ...call }) => call),
      finish: first.finish_reason,
      answer: second.choices[0]!.message.content,
    };
  }

  const streamed = (world: World) => async (request: Request) =>
    await helpers(connect(world)).stream(request).finalChatCompletion();

  const counts = (usage: OpenAI.CompletionUsage | null | undefined) => ({
    input: usage?.prompt_tokens,
    output: usage?.completion_tokens,
    cached: usage?.prompt_tokens_details?.cached_tokens,
  });

  const answer = ({ choices: [choice] }: OpenAI.ChatCompletion) => ({
    text: choice!.message.content,
    finish: choice!.finish_reason,
  });

  return {
    chat: async (world) => answer(await whole(world, { model: "cloud/greeting", messages: ask() })),
    "text of many scripts": async (world) =>
      answer(await streamed(world)({ model: "cloud/polyglot", messages: ask() })),
    async stream(world) {
      const stream = await connect(world).chat.completions.create({
        model: "cloud/greeting",
        messages: ask(),
        stream: true,
      });
      const seen = { text: "", finish: null as string | null, pieces: 0 };
      for await (const { choices: [choice] } of stream) {
        seen.text += choice!.delta.content ?? "";
        if (choice!.delta.content) seen.pieces++;
        seen.finish = choice!.finish_reason ?? seen.finish;
      }
      return seen;
    },
    "tools over two turns": (world) => twoTurns("cloud/weather", (request) => whole(world, request)),
    "parallel tools": (world) => twoTurns("cloud/weather-of-two", (request) => whole(world, request)),
    "parallel tools, streamed": (world) => twoTurns("cloud/weather-of-two", streamed(world)),
    async "structured output"(world) {
      const parsed = await helpers(connect(world)).parse({
        model: "cloud/structured",
        messages: ask(),
        response_format: {
          type: "json_schema",
          json_schema: { name: "report", strict: true, schema: reportSchema as never },
        },
      });
      return { value: JSON.parse(parsed.choices[0]!.message.content!) };
    },
    async "image input"(world) {
      const url = `data:image/png;base64,${picture}`;
      const messages = ask([{ type: "text", text: "What is it?" }, {
        type: "image_url",
        image_url: { url },
      }]);
      return { text: answer(await whole(world, { model: "cloud/picture", messages })).text };
    },
    usage: async (world) => counts((await whole(world, { model: "cloud/counted", messages: ask() })).usage),
    async "usage, streamed"(world) {
      const request = {
        model: "cloud/counted",
        messages: ask(),
        stream: true,
        stream_options: { include_usage: true },
      } as const;
      return counts((await helpers(connect(world)).stream(request).finalChatCompletion()).usage);
    },
    async reasoning(world) {
      const { message } = (await whole(world, { model: "cloud/thinker", messages: ask() })).choices[0]!;
      return {
        reasoning: (message as { reasoning_content?: string }).reasoning_content,
        text: message.content,
      };
    },
    async "reasoning, streamed"(world) {
      const stream = await connect(world).chat.completions.create({
        model: "cloud/thinker",
        messages: ask(),
        stream: true,
      });
      const seen = { reasoning: "", text: "" };
      for await (const { choices: [choice] } of stream) {
        seen.text += choice!.delta.content ?? "";
        seen.reasoning += (choice!.delta as { reasoning_content?: string }).reasoning_content ?? "";
      }
      return seen;
    },
    async embeddings(world) {
      const { data } = await connect(world).embeddings.create({ model: "cloud/embedder", input: ["a", "b"] });
      return { vectors: data.map(({ embedding }) => embedding) };
    },
    async models(world) {
      const listed: string[] = [];
      for await (const { id } of connect(world).models.list()) if (id.startsWith("cloud/")) listed.push(id);
      return { listed: listed.sort() };
    },
    "counting tokens": { cannot: "OpenAI's chat protocol has no endpoint that counts tokens" },
    async "request id"(world) {
      const { _request_id: id } = await whole(world, { model: "cloud/greeting", messages: ask() });
      const error = await whole(world, { model: "nowhere/model", messages: ask() }).catch((thrown) => thrown);
      const failedId = error.requestID ?? error.request_id;
      return { ofAnswer: String(id).startsWith("req_"), ofFailure: String(failedId).startsWith("req_") };
    },
    "error 400": refused("cloud/error-400", OpenAI.BadRequestError),
    "error 401": (world) =>
      refusal(
        connect(world, { apiKey: "wrong" }).chat.completions.create({
          model: "cloud/greeting",
          messages: ask(),
        }),
        OpenAI.AuthenticationError,
      ),
    "error 404": refused("nowhere/model", OpenAI.NotFoundError),
    "error 429": refused("cloud/error-429", OpenAI.RateLimitError),
    "error 500": refused("cloud/error-500", OpenAI.InternalServerError),
    "error 503": refused("cloud/error-503", OpenAI.InternalServerError),
    "error before a stream": (world) =>
      refusal(
        connect(world).chat.completions.create({
          model: "cloud/error-first",
          messages: ask(),
          stream: true,
        }),
        OpenAI.InternalServerError,
      ),
    "error in the middle of a stream": (world) => failsInTheMiddle(world, "cloud/error-mid-stream"),
    "connection cut in the middle of a stream": (world) => failsInTheMiddle(world, "cloud/cut"),
    async "leaving while it waits"(world) {
      const leaving = new AbortController();
      const request = connect(world).chat.completions.create(
        { model: "cloud/hang", messages: ask() },
        { signal: leaving.signal },
      );
      await world.untilCalled("hang");
      leaving.abort();
      return { left: await request.then(() => false, (error) => error instanceof OpenAI.APIUserAbortError) };
    },
    async "leaving in the middle of a stream"(world) {
      const stream = await connect(world).chat.completions.create({
        model: "cloud/hang-mid-stream",
        messages: ask(),
        stream: true,
      });
      for await (const piece of stream) if (piece.choices[0]?.delta.content) stream.controller.abort();
      return { left: stream.controller.signal.aborted };
    },
    async "no retry when told"(world) {
      const error = await connect(world, { maxRetries: 2 }).chat.completions.create({
        model: "stubborn",
        messages: ask(),
      }).catch((thrown) => thrown);
      return { status: error.status };
    },
    async "retry after a rate limit"(world) {
      const request = { model: "cloud/limited-once", messages: ask() };
      const { text } = answer(await connect(world, { maxRetries: 2 }).chat.completions.create(request));
      return { text };
    },
  };
}

function called(call: { name: string; arguments: string }) {
  return { name: call.name, arguments: JSON.parse(call.arguments) as { city: string } };
}

/** Piece by piece, and put together by the client's own helper. */
export function openAiReaders({ name, OpenAI, helpers }: Major): StreamReader[] {
  const connect = (origin: string, key: string) =>
    new OpenAI({ baseURL: `${origin}/v1`, apiKey: key, maxRetries: 0, timeout: 10_000 });
  // The helper of the oldest major wraps what the connection throws, and nothing else, in its own base class.
  const isClean = (error: unknown) => error instanceof OpenAI.APIError;
  return [
    {
      name: `${name}, piece by piece`,
      isClean,
      async read(origin, key, model): Promise<ObservedStream> {
        const stream = await connect(origin, key).chat.completions.create({
          model,
          messages: ask(),
          stream: true,
        });
        let content = "";
        let finish: string | undefined;
        const calls: { name: string; text: string }[] = [];
        for await (const { choices: [choice] } of stream) {
          content += choice!.delta.content ?? "";
          finish = choice!.finish_reason ?? finish;
          for (const { index, function: piece } of choice!.delta.tool_calls ?? []) {
            const call = calls[index] ??= { name: "", text: "" };
            call.name += piece?.name ?? "";
            call.text += piece?.arguments ?? "";
          }
        }
        return {
          content,
          finish,
          calls: calls.map(({ name: called, text }) => ({ name: called, arguments: parsedArguments(text) })),
        };
      },
    },
    {
      name: `${name}, by its helper`,
      isClean,
      async read(origin, key, model): Promise<ObservedStream> {
        const final = await helpers(connect(origin, key)).stream({ model, messages: ask() })
          .finalChatCompletion();
        const { message, finish_reason: finish } = final.choices[0]!;
        return {
          content: message.content ?? "",
          finish,
          calls: (message.tool_calls ?? []).map((call) =>
            call.type === "function"
              ? { name: call.function.name, arguments: parsedArguments(call.function.arguments) }
              : { name: call.type, arguments: undefined }
          ),
        };
      },
    },
  ];
}
