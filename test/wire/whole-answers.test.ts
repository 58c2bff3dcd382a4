import { describe, expect, test } from "bun:test";
import { UpstreamError } from "intellirouter/plugin";
import { normaliseChatCompletion } from "../../src/gateway/normalise/chat-completion.ts";
import { CompletionChunkNormaliser, normaliseCompletion } from "../../src/gateway/normalise/completion.ts";
import { normaliseEmbedding } from "../../src/gateway/normalise/embedding.ts";
import { chatCompletionSchema } from "../../src/schema/chat-completion.ts";
import { completionSchema } from "../../src/schema/completion.ts";
import { embeddingResponseSchema } from "../../src/schema/embedding.ts";

const options = { includeUsage: true, forcedModel: undefined, fallbackId: "req_1", fallbackModel: "m", created: 1_700_000_000 };

type Loose = Record<string, unknown>;

const message = { role: "assistant", content: "Hi", refusal: null };
const good: Loose = {
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1,
  model: "m",
  choices: [{ index: 0, message, logprobs: null, finish_reason: "stop" }],
  usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
};
const withMessage = (change: Loose, choice: Loose = {}) => ({ ...good, choices: [{ index: 0, message: { ...message, ...change }, logprobs: null, finish_reason: "stop", ...choice }] });
const toolCall = { id: "c1", type: "function", function: { name: "f", arguments: "{}" } };

describe("a whole chat answer", () => {
  test("that keeps the rules keeps everything it has", () => {
    const answer = { ...good, system_fingerprint: "fp", odd: { kept: true } };
    expect(normaliseChatCompletion(answer, options) as unknown).toEqual(answer);
  });

  for (const [name, given, expected] of [
    ["without id, object, created and model", { choices: good.choices }, { id: "req_1", object: "chat.completion", created: 1_700_000_000, model: "m" }],
    ["with a service tier of its own", { ...good, service_tier: "on_demand" }, {}],
    ["with error: null", { ...good, error: null }, {}],
    ["with usage as floats and without a total", { ...good, usage: { prompt_tokens: 1.0, completion_tokens: "2" } }, { usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 } }],
    ["with usage in a field of its own", { ...good, usage: undefined, x_vendor: { usage: good.usage } }, { usage: good.usage }],
    ["with cached tokens under another name", { ...good, usage: { ...good.usage as Loose, prompt_cache_hit_tokens: 1 } }, { usage: { prompt_tokens_details: { cached_tokens: 1 } } }],
  ] as const) {
    test(name, () => {
      const answer = normaliseChatCompletion(given, options);
      expect(chatCompletionSchema.safeParse(answer).error).toBeUndefined();
      expect(answer as unknown).toMatchObject(expected);
      expect("error" in answer).toBe(false);
      expect(["on_demand"]).not.toContain(answer.service_tier as string);
    });
  }

  for (const [name, given, expected] of [
    ["index and logprobs missing", { ...good, choices: [{ message, finish_reason: "stop" }] }, { index: 0, logprobs: null }],
    ["finish_reason of another protocol", withMessage({}, { finish_reason: "end_turn" }), { finish_reason: "stop" }],
    ["finish_reason missing", withMessage({}, { finish_reason: null }), { finish_reason: "stop" }],
    ["stop although there are calls", withMessage({ content: null, tool_calls: [toolCall] }), { finish_reason: "tool_calls" }],
    ["a call without id, type and arguments", withMessage({ tool_calls: [{ function: { name: "f" } }] }), { message: { tool_calls: [{ id: expect.any(String), type: "function", function: { name: "f", arguments: "{}" } }] } }],
    ["arguments as an object", withMessage({ tool_calls: [{ ...toolCall, function: { name: "f", arguments: { a: 1 } } }] }), { message: { tool_calls: [{ function: { arguments: '{"a":1}' } }] } }],
    ["content as parts", withMessage({ content: [{ type: "thinking", thinking: [{ text: "Hm." }] }, { type: "text", text: "Hi" }] }), { message: { content: "Hi", reasoning: "Hm.", reasoning_content: "Hm." } }],
    ["content missing", withMessage({ content: undefined }), { message: { content: null } }],
    ["reasoning under one name", withMessage({ reasoning: "Hm." }), { message: { reasoning: "Hm.", reasoning_content: "Hm." } }],
    ["half a character", withMessage({ content: "a\ud83d", reasoning: "\ude00", refusal: null }), { message: { content: "a\ufffd", reasoning: "\ufffd" } }],
    ["an index that is none", withMessage({}, { index: -1 }), { index: 0 }],
    ["logprobs without alternatives", withMessage({}, { logprobs: { content: [{ token: "a", logprob: -1 }] } }), { logprobs: { content: [{ token: "a", logprob: -1, bytes: null, top_logprobs: [] }], refusal: null } }],
    ["logprobs as a list", withMessage({}, { logprobs: [] }), { logprobs: null }],
    ["a citation without a title", withMessage({ annotations: [{ type: "url_citation", url_citation: { url: "u" } }] }), { message: { annotations: [{ type: "url_citation", url_citation: { url: "u", title: "u", start_index: 0, end_index: 0 } }] } }],
    ["calls announced that are not there", withMessage({}, { finish_reason: "tool_calls" }), { finish_reason: "stop" }],
    ["role missing", withMessage({ role: undefined }), { message: { role: "assistant" } }],
    ["tool_calls empty or null", withMessage({ tool_calls: null }), { message: { content: "Hi" } }],
  ] as const) {
    test(`with ${name}`, () => {
      const answer = normaliseChatCompletion(given, options);
      expect(chatCompletionSchema.safeParse(answer).error).toBeUndefined();
      expect(answer.choices[0] as unknown).toMatchObject(expected);
    });
  }

  for (const given of [null, 7, [], {}, { choices: null }, { choices: [] }, "text"]) {
    test(`that is none is refused: ${JSON.stringify(given)}`, () => {
      expect(() => normaliseChatCompletion(given, options)).toThrow(UpstreamError);
    });
  }

  test("names the asked-for model when the operator wants that", () => {
    expect(normaliseChatCompletion(good, { ...options, forcedModel: "fast" }).model).toBe("fast");
  });
});

describe("legacy completions", () => {
  const whole = { id: "cmpl-1", object: "text_completion", created: 1, model: "m", choices: [{ index: 0, text: "Hi", logprobs: null, finish_reason: "stop" }] };

  test("keep the rules whole", () => {
    expect(normaliseCompletion(whole, options) as unknown).toEqual(whole);
    const mended = normaliseCompletion({ choices: [{ text: "Hi", finish_reason: "eos" }] }, options);
    expect(completionSchema.safeParse(mended).error).toBeUndefined();
    expect(mended.choices[0]!.finish_reason).toBe("stop");
    expect(() => normaliseCompletion({ error: "x" }, options)).toThrow(UpstreamError);
  });

  test("keep the rules in pieces, usage last and only when asked for", () => {
    const normaliser = new CompletionChunkNormaliser(options);
    const out: string[] = [];
    normaliser.push({ chunk: { choices: [{ text: "Hi" }] } as never }, out);
    normaliser.push({ chunk: { choices: [{ text: "", finish_reason: "length" }], usage: { prompt_tokens: 1, completion_tokens: 1 } } as never }, out);
    normaliser.push({ chunk: { choices: [{ text: "late" }] } as never }, out);
    normaliser.finish(out);
    const pieces = out.map((text) => JSON.parse(text));
    for (const piece of pieces) expect(completionSchema.safeParse(piece).error).toBeUndefined();
    expect(pieces.map((piece) => piece.choices[0]?.text ?? "usage")).toEqual(["Hi", "", "usage"]);
    expect(pieces.at(-1).usage).toEqual({ prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 });
  });

  test("that break off do not pass for whole", () => {
    const normaliser = new CompletionChunkNormaliser(options);
    normaliser.push({ chunk: { choices: [{ text: "Hi" }] } as never }, []);
    expect(() => normaliser.finish([])).toThrow(UpstreamError);
    expect(() => new CompletionChunkNormaliser(options).finish([])).toThrow(UpstreamError);
  });
});

describe("embeddings", () => {
  const vector = [0.5, -0.25, 1e-7, 3.4e38];
  const asBase64 = Buffer.from(new Float32Array(vector).buffer).toString("base64");
  const answer = (embedding: unknown, more: Loose = {}) => ({ object: "list", model: "m", data: [{ object: "embedding", index: 0, embedding }], usage: { prompt_tokens: 2, total_tokens: 2 }, ...more });

  test("are what was asked for, whatever came", () => {
    for (const given of [vector, asBase64]) {
      expect(normaliseEmbedding(answer(given), "base64").data[0]!.embedding).toBe(asBase64);
      const floats = normaliseEmbedding(answer(given), "float").data[0]!.embedding as number[];
      floats.forEach((value, index) => expect(value).toBeCloseTo(vector[index]!, 6 - Math.floor(Math.log10(Math.abs(vector[index]!)))));
    }
  });

  test("are in the order of their indexes, with counts that are integers", () => {
    const data = [{ index: 1, embedding: [1] }, { index: 0, embedding: [0] }];
    const normalised = normaliseEmbedding({ data }, "float");
    expect(normalised.data.map(({ embedding }) => embedding)).toEqual([[0], [1]]);
    expect(embeddingResponseSchema.safeParse(normalised).error).toBeUndefined();
    expect(normaliseEmbedding(answer(vector, { usage: { prompt_tokens: 5 } }), "float").usage).toEqual({ prompt_tokens: 5, total_tokens: 5 });
  });

  test("that are none are refused", () => {
    for (const given of [null, {}, { data: {} }, answer("odd!"), answer([1, "2"]), answer(undefined)]) {
      expect(() => normaliseEmbedding(given, "float")).toThrow(UpstreamError);
    }
  });
});
