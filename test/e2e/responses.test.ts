import { createOpenAI } from "@ai-sdk/openai";
import { generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import OpenAI from "openai";
import type { Response as ResponseObject, ResponseStreamEvent } from "openai/resources/responses/responses";
import { checkResponse, checkResponseStream } from "../support/strict-response-checker.ts";
import { sendJson, startStream, startUpstream, type Upstream } from "../support/upstream.ts";
import { type Gateway, startGateway } from "./support/gateway.ts";

let upstream: Upstream;
let gateway: Gateway;
let client: OpenAI;

beforeAll(async () => {
  upstream = await startUpstream();
  gateway = await startGateway({
    config: `
[[providers]]
name = "cloud"
kind = "openai-compatible"
base_url = "${upstream.url}"
[[providers]]
name = "native"
kind = "openai-compatible"
base_url = "${upstream.url}"
responses_api = true
[[providers]]
name = "mock"
kind = "mock"
delay_ms = 0
[[routes]]
name = "strict"
targets = ["cloud/normal"]
on_loss = "reject"
[routing]
retries = 0
`,
  });
  client = new OpenAI({ baseURL: `${gateway.origin}/v1`, apiKey: "unused", maxRetries: 0 });
  upstream.on("gpt-native", nativeAnswer);
  upstream.on("gpt-native-cut", ({ body }, response) => {
    startStream(response);
    for (const event of nativeEvents(body).slice(0, 5)) response.write(event);
    response.end();
  });
});

afterAll(async () => {
  await gateway.stop();
  await upstream.close();
});

/** A backend of the protocol that keeps nothing, and counts its answers. */
let answers = 0;

function nativeResponse(body: Record<string, unknown>, status = "completed") {
  const id = `resp_upstream${++answers}`;
  return {
    id,
    object: "response",
    created_at: 1_700_000_000,
    completed_at: status === "completed" ? 1_700_000_001 : null,
    status,
    background: false,
    error: null,
    incomplete_details: null,
    instructions: null,
    max_output_tokens: null,
    max_tool_calls: null,
    metadata: {},
    model: body.model,
    output: status !== "completed" ? [] : [{
      id: `msg_upstream${answers}`,
      type: "message",
      status: "completed",
      role: "assistant",
      content: [{ type: "output_text", text: "Hello, natively.", annotations: [], logprobs: [] }],
    }],
    parallel_tool_calls: true,
    previous_response_id: null,
    prompt_cache_key: null,
    reasoning: { effort: null, summary: null },
    safety_identifier: null,
    service_tier: "default",
    store: body.store,
    temperature: 1,
    text: { format: { type: "text" } },
    tool_choice: "auto",
    tools: [],
    top_logprobs: 0,
    top_p: 1,
    presence_penalty: 0,
    frequency_penalty: 0,
    truncation: "disabled",
    usage: {
      input_tokens: 9,
      input_tokens_details: { cached_tokens: 4 },
      output_tokens: 5,
      output_tokens_details: { reasoning_tokens: 2 },
      total_tokens: 14,
    },
  };
}

function nativeEvents(body: Record<string, unknown>): string[] {
  const whole = nativeResponse(body);
  const [item] = whole.output;
  const begun = { ...whole, status: "in_progress", completed_at: null, output: [], usage: null };
  const place = { item_id: item!.id, output_index: 0, content_index: 0 };
  const [part] = item!.content;
  const events = [
    ["response.created", { response: begun }],
    ["response.in_progress", { response: begun }],
    ["response.output_item.added", {
      output_index: 0,
      item: { ...item, status: "in_progress", content: [] },
    }],
    ["response.content_part.added", { ...place, part: { ...part, text: "" } }],
    ["response.output_text.delta", { ...place, delta: "Hello, natively.", logprobs: [] }],
    ["response.output_text.done", { ...place, text: "Hello, natively.", logprobs: [] }],
    ["response.content_part.done", { ...place, part }],
    ["response.output_item.done", { output_index: 0, item }],
    ["response.completed", { response: whole }],
  ] as const;
  return events.map(([type, fields], sequence_number) =>
    `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number, ...fields })}\n\n`
  );
}

const nativeAnswer: Parameters<Upstream["on"]>[1] = ({ body }, response) => {
  if (!body.stream) return sendJson(response, 200, nativeResponse(body));
  startStream(response);
  response.end(nativeEvents(body).join(""));
};

const weather = {
  type: "function" as const,
  name: "get_weather",
  description: "The weather in a city.",
  parameters: {
    type: "object",
    properties: { city: { type: "string" } },
    required: ["city"],
    additionalProperties: false,
  },
  strict: true,
};

const lastCall = () => upstream.calls.at(-1)!;

function post(body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${gateway.origin}/v1/responses`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}

/** The JSON texts of a stream's events. */
async function eventTexts(response: Response): Promise<string[]> {
  const blocks = (await response.text()).split("\n\n").filter((block) => block !== "");
  return blocks.map((block) => {
    const [name, data] = block.split("\n");
    const text = data!.slice("data: ".length);
    expect(name).toBe(`event: ${JSON.parse(text).type}`);
    return text;
  });
}

const failure = (promise: Promise<unknown>) => promise.then(() => undefined, (error) => error);

for (const model of ["cloud/normal", "native/gpt-native"]) {
  describe(model, () => {
    const text = model.startsWith("native") ? "Hello, natively." : "Hello from upstream.";

    test("answers whole", async () => {
      const response = await client.responses.create({ model, input: "Hi", instructions: "Be brief." });
      expect(checkResponse(JSON.parse(JSON.stringify(response)))).toEqual([]);
      expect(response.output_text).toBe(text);
      expect(response.status).toBe("completed");
      expect(response.usage).toMatchObject({ input_tokens: 9, output_tokens: 5, total_tokens: 14 });
    });

    test("answers in pieces, which the client's own helper puts together", async () => {
      const types: string[] = [];
      const stream = client.responses.stream({ model, input: "Hi" });
      for await (const event of stream) types.push(event.type);
      const response = await stream.finalResponse();
      expect(response.output_text).toBe(text);
      expect(types[0]).toBe("response.created");
      expect(types.at(-1)).toBe("response.completed");
      const stored = await client.responses.retrieve(response.id);
      expect(stored.output_text).toBe(text);
    });

    test("its events keep every rule", async () => {
      const response = await post({ model, input: "Hi", stream: true });
      expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
      const checked = checkResponseStream(await eventTexts(response));
      expect(checked).toMatchObject({ problems: [], text, status: "completed" });
      expect(checked.response).toMatchObject({
        store: true,
        id: expect.stringMatching(/^resp_[0-9a-f]{32}$/),
      });
      expect(checked.response.usage.input_tokens).toBe(9);
    });

    test("goes on from a stored response with all that was said", async () => {
      const first = await client.responses.create({
        model,
        input: "My name is Ada.",
        instructions: "Only once.",
      });
      const second = await client.responses.create({
        model,
        input: "And my name?",
        previous_response_id: first.id,
      });
      expect(second.previous_response_id).toBe(first.id);
      const { body } = lastCall();
      if (model.startsWith("native")) {
        expect(body).toMatchObject({ store: false });
        expect("previous_response_id" in body).toBe(false);
        expect(body.input.map((item: { role: string }) => item.role)).toEqual(["user", "assistant", "user"]);
      } else {
        expect(body.messages).toEqual([
          { role: "user", content: "My name is Ada." },
          { role: "assistant", content: text },
          { role: "user", content: "And my name?" },
        ]);
      }
      const third = await client.responses.create({ model, input: "Sure?", previous_response_id: second.id });
      const items = [];
      for await (const item of client.responses.inputItems.list(third.id, { limit: 2, order: "asc" })) {
        items.push(item);
      }
      expect(items.map((item) => item.type === "message" ? item.role : item.type)).toEqual(
        ["user", "assistant", "user", "assistant", "user"],
      );
      const [newest] = (await client.responses.inputItems.list(third.id, { limit: 1 })).data;
      expect(newest).toMatchObject({ role: "user", content: [{ type: "input_text", text: "Sure?" }] });
    });

    test("forgets what it is told to forget", async () => {
      const { id } = await client.responses.create({ model, input: "Hi" });
      await client.responses.delete(id);
      expect(await failure(client.responses.retrieve(id))).toBeInstanceOf(OpenAI.NotFoundError);
      expect(await failure(client.responses.delete(id))).toBeInstanceOf(OpenAI.NotFoundError);
      const kept = await client.responses.create({ model, input: "Hi", store: false });
      expect(kept).toMatchObject({ store: false });
      expect(await failure(client.responses.retrieve(kept.id))).toBeInstanceOf(OpenAI.NotFoundError);
    });
  });
}

test("tools over two turns, the calls in one message", async () => {
  const first = await client.responses.create({
    model: "cloud/tools",
    input: "Weather in Oslo and Rome?",
    tools: [weather],
  });
  const calls = first.output.filter((item) => item.type === "function_call");
  expect(calls.map(({ name, arguments: text }) => [name, JSON.parse(text)])).toEqual([
    ["get_weather", { city: "Oslo" }],
    ["get_weather", { city: "Rome" }],
  ]);
  expect(lastCall().body.tools[0]).toEqual({
    type: "function",
    function: {
      name: "get_weather",
      description: weather.description,
      parameters: weather.parameters,
      strict: true,
    },
  });
  const second = await client.responses.create({
    model: "cloud/tools",
    previous_response_id: first.id,
    input: calls.map(({ call_id }, index) => ({
      type: "function_call_output" as const,
      call_id,
      output: `${index} degrees`,
    })),
    tools: [weather],
  });
  expect(second.output_text).toBe("Hello from upstream.");
  expect(lastCall().body.messages).toMatchObject([
    { role: "user" },
    { role: "assistant", content: null, tool_calls: [{ id: "call_0" }, { id: "call_1" }] },
    { role: "tool", tool_call_id: "call_0", content: "0 degrees" },
    { role: "tool", tool_call_id: "call_1", content: "1 degrees" },
  ]);
});

test("tool calls in pieces", async () => {
  const checked = checkResponseStream(
    await eventTexts(await post({ model: "cloud/tools", input: "Weather?", tools: [weather], stream: true })),
  );
  expect(checked).toMatchObject({ problems: [], calls: [{ name: "get_weather" }, { name: "get_weather" }] });
});

describe("the mock", () => {
  test("calls tools, reasons, and gives structured answers", async () => {
    const format = {
      type: "json_schema" as const,
      name: "city",
      strict: true,
      schema: {
        type: "object",
        properties: { city: { type: "string" }, size: { type: "integer" } },
        required: ["city", "size"],
      },
    };
    const parsed = await client.responses.parse({
      model: "mock/mock-llama",
      input: "A city?",
      text: { format },
    });
    expect(JSON.parse(parsed.output_text)).toEqual({ city: expect.any(String), size: expect.any(Number) });
    expect(parsed.text).toMatchObject({ format: { name: "city", strict: true } });

    const forced = await client.responses.create({
      model: "mock/mock-llama",
      input: "Oslo?",
      tools: [weather],
      tool_choice: { type: "function", name: "get_weather" },
    });
    expect(forced.output[0]).toMatchObject({
      type: "function_call",
      name: "get_weather",
      status: "completed",
    });

    const stream = client.responses.stream({
      model: "mock/mock-llama-reasoning",
      input: "Hi",
      reasoning: { summary: "auto" },
    });
    const [reasoning, message] = (await stream.finalResponse()).output;
    expect(reasoning).toMatchObject({
      type: "reasoning",
      summary: [{ type: "summary_text", text: expect.stringContaining("make one up") }],
    });
    expect(message).toMatchObject({ type: "message", role: "assistant" });
  });

  test("is cut off where the client's limit is reached", async () => {
    const response = await client.responses.create({
      model: "mock/mock-llama",
      input: "Tell me more",
      max_output_tokens: 2,
    });
    expect(response).toMatchObject({
      status: "incomplete",
      incomplete_details: { reason: "max_output_tokens" },
    });
    const events: ResponseStreamEvent[] = [];
    const stream = await client.responses.create({
      model: "mock/mock-llama",
      input: "Tell me more",
      max_output_tokens: 2,
      stream: true,
    });
    for await (const event of stream) events.push(event);
    expect(events.at(-1)).toMatchObject({ type: "response.incomplete", response: { status: "incomplete" } });
    expect((await client.responses.retrieve(response.id)).status).toBe("incomplete");
  });
});

describe("a failure", () => {
  const create = (more: object) =>
    failure(client.responses.create({ model: "cloud/normal", input: "Hi", ...more } as never));

  test("of the request says what is wrong", async () => {
    const cases: [object, string, string | null][] = [
      [{ input: undefined }, "missing_required_parameter", "input"],
      [{ input: [] }, "missing_required_parameter", "input"],
      [{ input: [{ role: "user" }] }, "missing_required_parameter", "input[0].content"],
      [{ input: [{ role: "nobody", content: "x" }] }, "invalid_value", "input[0].role"],
      [{ background: true }, "unsupported_parameter", "background"],
      [{ conversation: {} }, "invalid_value", "conversation"],
      [{ previous_response_id: "resp_unknown" }, "previous_response_not_found", "previous_response_id"],
      [{ input: [{ type: "item_reference", id: "msg_unknown" }] }, "item_not_found", "input[0]"],
      [
        { input: [{ type: "function_call_output", call_id: "x", output: "y" }] },
        "invalid_request",
        "input[0]",
      ],
      [
        { tools: [{ type: "web_search" }], tool_choice: { type: "web_search" } },
        "unsupported_parameter",
        "tool_choice",
      ],
      [{ model: "strict", tools: [{ type: "web_search" }] }, "lossy_translation", "tools[0]"],
      [{ temperature: 7 }, "invalid_value", "temperature"],
    ];
    for (const [more, code, param] of cases) {
      const error = await create(more);
      expect([more, error?.status, error?.code, error?.param]).toEqual([more, 400, code, param]);
    }
  });

  test("of the backend is an error before the first token", async () => {
    expect(await create({ model: "cloud/error-429" })).toBeInstanceOf(OpenAI.RateLimitError);
    expect(await create({ model: "cloud/error-first", stream: true })).toBeInstanceOf(
      OpenAI.InternalServerError,
    );
    expect(await create({ model: "cloud/nothing/like/it" })).toBeUndefined();
    expect(await create({ model: "nobody" })).toBeInstanceOf(OpenAI.NotFoundError);
  });

  for (
    const model of [
      "cloud/cut",
      "cloud/error-mid-stream",
      "cloud/no-finish",
      "cloud/garbage",
      "native/gpt-native-cut",
    ]
  ) {
    test(`in the middle is the last event, and nothing is kept (${model})`, async () => {
      const checked = checkResponseStream(await eventTexts(await post({ model, input: "Hi", stream: true })));
      expect(checked).toMatchObject({ problems: [], status: "failed" });
      expect(checked.response.error.message).not.toBe("");
      expect(await failure(client.responses.retrieve(checked.response.id))).toBeInstanceOf(
        OpenAI.NotFoundError,
      );
    });
  }
});

test("a response that the client did not wait for is not kept", async () => {
  const stream = await client.responses.create({ model: "cloud/hang-mid-stream", input: "Hi", stream: true });
  let id = "";
  for await (const event of stream) {
    if (event.type === "response.created") id = event.response.id;
    if (event.type === "response.output_text.delta") break;
  }
  await lastCall().aborted;
  expect(await failure(client.responses.retrieve(id))).toBeInstanceOf(OpenAI.NotFoundError);
});

test("what the gateway does not do with stored responses it says", async () => {
  const { id } = await client.responses.create({ model: "cloud/normal", input: "Hi" });
  expect(await failure(client.responses.cancel(id))).toMatchObject({
    status: 400,
    code: "response_not_cancellable",
  });
  expect(await failure(client.responses.cancel("resp_unknown"))).toBeInstanceOf(OpenAI.NotFoundError);
  expect(await failure(client.responses.retrieve(id, { stream: true }))).toMatchObject({
    status: 400,
    param: "stream",
  });
  expect(await failure(Promise.resolve(client.responses.inputItems.list(id, { after: "nothing" }))))
    .toMatchObject({ status: 400, param: "after" });
  const list = (query: string) =>
    fetch(`${gateway.origin}/v1/responses/${id}/input_items?${query}`).then(({ status }) => status);
  expect(await Promise.all(["limit=0", "limit=101", "limit=x", "order=up", "limit=5"].map(list))).toEqual([
    400,
    400,
    400,
    400,
    200,
  ]);
  const wrong = await fetch(`${gateway.origin}/v1/responses/${id}`, { method: "PUT" });
  expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "GET, DELETE, HEAD"]);
  expect((await fetch(`${gateway.origin}/v1/responses/%00`)).status).toBe(404);
});

test("tokens are estimated, and the answer says so", async () => {
  const count = await client.responses.inputTokens.count({
    model: "cloud/normal",
    input: "x".repeat(400),
    instructions: "y".repeat(40),
  });
  expect(count).toEqual({ object: "response.input_tokens", input_tokens: 114 });
});

test("what a translation loses is told to those who ask", async () => {
  const response = await post({
    model: "cloud/normal",
    input: "Hi",
    truncation: "auto",
    tools: [{ type: "web_search" }],
  }, { "x-intellirouter-fidelity": "report" });
  expect(response.headers.get("x-intellirouter-losses")?.split(", ").toSorted()).toEqual([
    "dropped tools%5B0%5D",
    "dropped truncation",
  ]);
});

test("a native answer that needs nothing of the gateway's passes byte for byte", async () => {
  let sent = "";
  upstream.on("gpt-native-odd", ({ body }, response) => {
    sent = body.stream
      ? nativeEvents(body).join("").replaceAll('"output_index":0', '"output_index" : 0')
      : JSON.stringify(nativeResponse(body), null, 2);
    response.writeHead(200, { "content-type": body.stream ? "text/event-stream" : "application/json" });
    response.end(sent);
  });
  for (const stream of [false, true]) {
    const received = await (await post({ model: "native/gpt-native-odd", input: "Hi", store: false, stream }))
      .text();
    expect(received).toBe(sent);
    expect(lastCall().body).toMatchObject({ model: "gpt-native-odd", input: "Hi", store: false });
  }
});

test("a conversation may change its backend between turns, in both directions", async () => {
  const first = await client.responses.create({ model: "native/gpt-native", input: "One" });
  const second = await client.responses.create({
    model: "mock/mock-llama-reasoning",
    input: "Two",
    previous_response_id: first.id,
  });
  const third = await client.responses.create({
    model: "native/gpt-native",
    input: "Three",
    previous_response_id: second.id,
  });
  expect(third.output_text).toBe("Hello, natively.");
  const { input } = lastCall().body;
  expect(input.map((item: { type?: string; role?: string }) => item.role ?? item.type)).toEqual(
    ["user", "assistant", "user", "assistant", "user"],
  );
  // What the gateway calls them means nothing to a backend that keeps nothing.
  expect(input.filter((item: object) => "id" in item)).toEqual([]);
});

test("a response is kept before the client is told that it is complete", async () => {
  for (const model of ["cloud/normal", "native/gpt-native"]) {
    const stream = await client.responses.create({ model, input: "Hi", stream: true });
    for await (const event of stream) {
      if (event.type !== "response.completed") continue;
      const next = await client.responses.create({
        model,
        input: "More",
        previous_response_id: event.response.id,
      });
      expect(next.status).toBe("completed");
    }
  }
});

test("items of stored responses can be referred to", async () => {
  const first: ResponseObject = await client.responses.create({ model: "cloud/normal", input: "Hi" });
  await client.responses.create({
    model: "cloud/normal",
    input: [{ role: "user", content: "Hi" }, { type: "item_reference", id: first.output[0]!.id! }, {
      role: "user",
      content: "More",
    }],
  });
  expect(lastCall().body.messages).toEqual([
    { role: "user", content: "Hi" },
    { role: "assistant", content: "Hello from upstream." },
    { role: "user", content: "More" },
  ]);
});

describe("another client of the protocol", () => {
  const openai = createOpenAI({
    baseURL: "http://unused/v1",
    apiKey: "unused",
    fetch: ((url: string, init: RequestInit) =>
      fetch(url.replace("http://unused", gateway.origin), init)) as never,
  });

  test("works through tools in several steps, by references to what is kept", async () => {
    const result = await generateText({
      model: openai.responses("cloud/tools"),
      prompt: "Weather?",
      stopWhen: stepCountIs(3),
      tools: {
        get_weather: tool({
          inputSchema: jsonSchema<{ city: string }>(weather.parameters as never),
          execute: ({ city }) => Promise.resolve(`Sunny in ${city}`),
        }),
      },
    });
    expect(result.text).toBe("Hello from upstream.");
    expect(lastCall().body.messages.map(({ role }: { role: string }) => role)).toEqual([
      "user",
      "assistant",
      "tool",
      "tool",
    ]);
  });

  test("reads streams, with reasoning", async () => {
    const result = streamText({
      model: openai.responses("mock/mock-llama-reasoning"),
      prompt: "Hi",
      providerOptions: { openai: { reasoningSummary: "auto", forceReasoning: true } },
    });
    expect(await result.text).not.toBe("");
    expect(await result.reasoningText).toContain("make one up");
    expect(await result.finishReason).toBe("stop");
  });
});

test("what is not there says so, and what a client's newer version asks beside is let be", async () => {
  const compact = await fetch(`${gateway.origin}/v1/responses/compact`, { method: "POST", body: "{}" });
  expect([compact.status, (await compact.json() as { error: { code: string } }).error.code]).toEqual([
    404,
    "unsupported_endpoint",
  ]);
  const { id } = await client.responses.create({ model: "cloud/normal", input: "Hi" });
  const kept = await client.responses.retrieve(id, { include: ["message.output_text.logprobs"] });
  expect(kept.id).toBe(id);
});
