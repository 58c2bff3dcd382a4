import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import OpenAI from "openai";
import { startUpstream, type Upstream } from "../support/upstream.ts";
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
api_key_env = "CLOUD_KEY"
[[models]]
id = "fast"
target = "cloud/normal"
[routing]
retries = 1
backoff_base_ms = 1
`,
    env: { CLOUD_KEY: "sk-upstream-secret-0001" },
  });
  client = new OpenAI({ baseURL: `${gateway.origin}/v1`, apiKey: "unused", maxRetries: 0 });
});

afterAll(async () => {
  await gateway.stop();
  await upstream.close();
});

const messages = [{ role: "user" as const, content: "Hi" }];

test("a chat completion comes back whole", async () => {
  const { data, response } = await client.chat.completions.create({ model: "fast", messages }).withResponse();
  expect(data.choices[0]!.message.content).toBe("Hello from upstream.");
  expect(data.usage?.total_tokens).toBe(14);
  expect(response.headers.get("x-intellirouter-target")).toBe("cloud/normal");
  expect(response.headers.get("x-request-id")).toStartWith("req_");
  const call = upstream.calls.findLast(({ path }) => path === "/v1/chat/completions")!;
  expect(call.body.model).toBe("normal");
  expect(call.headers.authorization).toBe("Bearer sk-upstream-secret-0001");
});

test("unknown request fields go on to the backend", async () => {
  const extra = {
    guided_json: { type: "object" },
    top_k: 40,
    chat_template_kwargs: { enable_thinking: false },
  };
  await client.chat.completions.create({ model: "cloud/normal", messages, ...extra } as never);
  expect(upstream.calls.at(-1)!.body).toMatchObject(extra);
});

describe("streaming", () => {
  test("pieces arrive in order, without usage when nobody asked", async () => {
    const stream = await client.chat.completions.create({ model: "fast", messages, stream: true });
    let text = "";
    for await (const piece of stream) {
      expect(piece.usage ?? null).toBeNull();
      expect(piece.choices).toHaveLength(1);
      text += piece.choices[0]!.delta.content ?? "";
    }
    expect(text).toBe("Hello from upstream.");
    expect(upstream.calls.at(-1)!.body.stream_options).toEqual({ include_usage: true });
  });

  test("usage comes last when asked for", async () => {
    const stream = await client.chat.completions.create({
      model: "fast",
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    const pieces = [];
    for await (const piece of stream) pieces.push(piece);
    expect(pieces.at(-1)).toMatchObject({
      choices: [],
      usage: { prompt_tokens: 9, completion_tokens: 5, total_tokens: 14 },
    });
    expect(pieces.slice(0, -1).every((piece) => !piece.usage)).toBe(true);
  });

  test("the client's own helper accumulates text", async () => {
    const final = await client.chat.completions.stream({ model: "fast", messages }).finalChatCompletion();
    expect(final.choices[0]!.message.content).toBe("Hello from upstream.");
  });

  test("a failure before the first token is an HTTP error", async () => {
    const failure = await client.chat.completions.create({
      model: "cloud/error-first",
      messages,
      stream: true,
    }).then(() => undefined, (error) => error);
    expect(failure).toBeInstanceOf(OpenAI.InternalServerError);
  });

  for (const model of ["cut", "error-mid-stream", "no-finish", "garbage"]) {
    test(`a failure in the middle is told (${model})`, async () => {
      const stream = await client.chat.completions.create({
        model: `cloud/${model}`,
        messages,
        stream: true,
      });
      let text = "";
      const failure = await (async () => {
        for await (const piece of stream) text += piece.choices[0]?.delta.content ?? "";
      })().then(() => undefined, (error) => error);
      expect(text).not.toBe("");
      expect(failure).toBeInstanceOf(OpenAI.APIError);
    });
  }

  test("a backend's error in the middle does not carry our key along", async () => {
    const body = JSON.stringify({ model: "cloud/key-mid-stream", messages, stream: true });
    const headers = { "content-type": "application/json" };
    const text =
      await (await fetch(`${gateway.origin}/v1/chat/completions`, { method: "POST", headers, body })).text();
    expect(text).toContain("Bad key Bearer [key]");
    expect(text).not.toContain("sk-upstream-secret");
  });

  test("an empty stream is an error and not an empty answer", async () => {
    const failure = await client.chat.completions.create({ model: "cloud/empty", messages, stream: true })
      .then(() => undefined, (error) => error);
    expect(failure?.status).toBe(502);
  });
});

describe("tools", () => {
  const tools = [{
    type: "function" as const,
    function: {
      name: "get_weather",
      parameters: { type: "object", properties: { city: { type: "string" } } },
    },
  }];

  test("over two turns, two calls at once", async () => {
    const first = await client.chat.completions.create({ model: "cloud/tools", messages, tools });
    const { message, finish_reason } = first.choices[0]!;
    expect(finish_reason).toBe("tool_calls");
    expect(message.tool_calls).toHaveLength(2);
    const second = await client.chat.completions.create({
      model: "cloud/tools",
      tools,
      messages: [
        ...messages,
        message,
        ...message.tool_calls!.map(({ id }) => ({
          role: "tool" as const,
          tool_call_id: id,
          content: "sunny",
        })),
      ],
    });
    expect(second.choices[0]!.message.content).toBe("Hello from upstream.");
    expect(upstream.calls.at(-1)!.body.messages).toHaveLength(4);
  });

  test("streamed, through the client's own helper", async () => {
    const final = await client.chat.completions.stream({ model: "cloud/tools", messages, tools })
      .finalChatCompletion();
    const calls = final.choices[0]!.message.tool_calls!;
    expect(calls.map((call) => call.type === "function" && JSON.parse(call.function.arguments).city)).toEqual(
      ["Oslo", "Rome"],
    );
  });
});

describe("embeddings", () => {
  test("floats and base64 give the same vector, whatever the backend sends", async () => {
    const asDefault = await client.embeddings.create({ model: "cloud/embedder", input: ["a", "b"] });
    const asFloat = await client.embeddings.create({
      model: "cloud/embedder",
      input: ["a", "b"],
      encoding_format: "float",
    });
    expect(asDefault.data.map(({ embedding }) => embedding)).toEqual([[0.5, -0.25, 0], [0.5, -0.25, 1]]);
    expect(asFloat.data).toEqual(asDefault.data);
    const raw = await client.embeddings.create({
      model: "cloud/embedder",
      input: "a",
      encoding_format: "base64",
    }).asResponse();
    const body = await raw.json() as { data: { embedding: string }[] };
    expect([...new Float32Array(Buffer.from(body.data[0]!.embedding, "base64").buffer.slice(0))].length)
      .toBeGreaterThan(0);
    expect(Buffer.from(body.data[0]!.embedding, "base64").readFloatLE(0)).toBe(0.5);
  });
});

describe("models", () => {
  test("aliases and the backend's own models are listed", async () => {
    const ids: string[] = [];
    for await (const model of client.models.list()) ids.push(model.id);
    expect(ids).toContain("fast");
    expect(ids).toContain("cloud/normal");
    expect(ids).toContain("cloud/org/model:tag");
    expect(ids).not.toContain("mock-llama");
  });

  test("one model is found by an id with slashes and colons, raw or encoded", async () => {
    expect((await client.models.retrieve("cloud/org/model:tag")).id).toBe("cloud/org/model:tag");
    const raw = await fetch(`${gateway.origin}/v1/models/cloud/org/model:tag`);
    expect(((await raw.json()) as { id: string }).id).toBe("cloud/org/model:tag");
    const missing = await client.models.retrieve("cloud/nothing-like-it").then(
      () => undefined,
      (error) => error,
    );
    expect(missing).toBeInstanceOf(OpenAI.NotFoundError);
    expect(missing.code).toBe("model_not_found");
  });
});

describe("error classes", () => {
  for (
    const [model, type, code] of [
      ["nowhere/model", OpenAI.NotFoundError, "model_not_found"],
      ["cloud/error-400", OpenAI.BadRequestError, "invalid_value"],
      ["cloud/error-401", OpenAI.InternalServerError, "upstream_auth"],
      ["cloud/error-404", OpenAI.NotFoundError, "model_not_found"],
      ["cloud/error-in-200", OpenAI.BadRequestError, "context_length_exceeded"],
      ["cloud/html", OpenAI.InternalServerError, "upstream_unavailable"],
      ["cloud/html-200", OpenAI.InternalServerError, "upstream_bad_response"],
      ["cloud/redirect", OpenAI.InternalServerError, "upstream_bad_response"],
      ["cloud/reset", OpenAI.InternalServerError, "upstream_unavailable"],
    ] as const
  ) {
    test(`${model} → ${code}`, async () => {
      // A refused credential keeps the whole provider out for a while; each case gets a gateway without memory of others.
      const own = await startGateway({
        config:
          `[[providers]]\nname = "cloud"\nkind = "openai-compatible"\nbase_url = "${upstream.url}"\napi_key = "sk-upstream-secret-0001"\n[routing]\nretries = 0\n`,
      });
      const failure = await new OpenAI({ baseURL: `${own.origin}/v1`, apiKey: "x", maxRetries: 0 })
        .chat.completions.create({ model, messages }).then(() => undefined, (error) => error);
      await own.stop();
      expect(failure).toBeInstanceOf(type);
      expect(failure.code).toBe(code);
      expect(failure.requestID).toStartWith("req_");
      expect(failure.message).not.toContain("sk-upstream-secret");
      expect(own.stderr()).not.toContain("sk-upstream-secret");
    });
  }

  test("a rate limit keeps its class, and its delay stays within what clients honour", async () => {
    const failure = await client.chat.completions.create({ model: "cloud/error-429", messages }).then(
      () => undefined,
      (error) => error,
    );
    expect(failure).toBeInstanceOf(OpenAI.RateLimitError);
    expect(failure.headers.get("retry-after")).toBe("60");
    expect(failure.headers.get("retry-after-ms")).toBe("60000");
  });

  test("a bad request names its field", async () => {
    const failure = await client.chat.completions.create({ model: "fast", messages, temperature: 7 }).then(
      () => undefined,
      (error) => error,
    );
    expect(failure).toBeInstanceOf(OpenAI.BadRequestError);
    expect(failure.param).toBe("temperature");
  });
});

test("a compressed answer of the backend arrives readable", async () => {
  const answer = await client.chat.completions.create({ model: "cloud/gzip", messages });
  expect(answer.choices[0]!.message.content).toBe("Hello from upstream.");
});

test("a client that leaves ends the backend's call, streaming and not", async () => {
  for (const stream of [true, false]) {
    const controller = new AbortController();
    const before = upstream.calls.length;
    const request = client.chat.completions.create(
      { model: stream ? "cloud/hang-mid-stream" : "cloud/hang", messages, stream },
      { signal: controller.signal },
    ).then(async (answer) => {
      if (Symbol.asyncIterator in answer) { for await (const _piece of answer) controller.abort(); }
    }).catch(() => {});
    while (upstream.calls.length === before) await Bun.sleep(1);
    if (!stream) controller.abort();
    await upstream.calls.at(-1)!.aborted;
    await request;
    expect(upstream.calls.at(-1)!.wasAborted()).toBe(true);
  }
});

test("every request leaves a decision record that its header names", async () => {
  const { response } = await client.chat.completions.create({ model: "fast", messages }).withResponse();
  const id = response.headers.get("x-intellirouter-decision");
  const record = await (await fetch(`${gateway.origin}/admin/v1/decisions/${id}`)).json() as Record<
    string,
    unknown
  >;
  expect(record).toMatchObject({
    id,
    model: "fast",
    target: "cloud/normal",
    outcome: "ok",
    status: 200,
    usage: { completion_tokens: 5 },
  });
  const list = await (await fetch(`${gateway.origin}/admin/v1/decisions?limit=2&model=fast`)).json() as {
    data: unknown[];
    has_more: boolean;
  };
  expect(list.data).toHaveLength(2);
  expect(list.has_more).toBe(true);
});
