import { describe, expect, test } from "bun:test";
import { turnOf } from "../../../test/support/response-fixtures.ts";
import { checkResponse, summary } from "../../../test/support/strict-response-checker.ts";
import type { ChatCompletion } from "../../schema/chat-completion.ts";
import { responseSchema, type ResponsesRequest } from "../../schema/response.ts";
import { chatToResponse } from "./from-chat.ts";
import { unsealReasoning } from "./sealed-reasoning.ts";

type Message = Record<string, unknown>;

function translate(message: Message, request: Partial<ResponsesRequest> = {}, more: Message = {}) {
  const completion = {
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1,
    model: "m",
    choices: [{
      index: 0,
      message: { role: "assistant", content: null, ...message },
      finish_reason: "stop",
      ...more,
    }],
    usage: {
      prompt_tokens: 10,
      completion_tokens: 5,
      total_tokens: 15,
      prompt_tokens_details: { cached_tokens: 4 },
      completion_tokens_details: { reasoning_tokens: 2 },
    },
  } as unknown as ChatCompletion;
  const response = chatToResponse(completion, turnOf(request));
  expect(checkResponse(response)).toEqual([]);
  expect(responseSchema.safeParse(response).error).toBeUndefined();
  return response;
}

test("an answer has its text, its counts, and every field", () => {
  const response = translate({ content: "Hello" });
  expect(response).toMatchObject({
    id: "resp_0123456789abcdef",
    status: "completed",
    model: "m",
    store: true,
    usage: {
      input_tokens: 10,
      input_tokens_details: { cached_tokens: 4 },
      output_tokens: 5,
      output_tokens_details: { reasoning_tokens: 2 },
      total_tokens: 15,
    },
  });
  expect(response.output as unknown).toEqual([{
    id: "msg_0123456789abcdef0000",
    type: "message",
    status: "completed",
    role: "assistant",
    content: [{ type: "output_text", annotations: [], logprobs: [], text: "Hello" }],
  }]);
});

test("the response repeats what was asked for", () => {
  const tools = [{ type: "function", name: "f" }];
  const asked = {
    instructions: "Be brief.",
    metadata: { a: "b" },
    tools,
    tool_choice: "none",
    temperature: 0.5,
    max_output_tokens: 9,
    text: { format: { type: "json_schema", name: "x", schema: {} }, verbosity: "low" },
    reasoning: { effort: "low" },
    user: "u",
  };
  expect(translate({ content: "{}" }, asked)).toMatchObject({
    ...asked,
    tools: [{ type: "function", name: "f", description: null, parameters: null, strict: null }],
    text: {
      format: { type: "json_schema", name: "x", schema: {}, description: null, strict: false },
      verbosity: "low",
    },
    reasoning: { effort: "low", summary: null },
  });
});

test("calls are items of their own", () => {
  const response = translate({
    content: "Let me see.",
    tool_calls: [
      { id: "a", type: "function", function: { name: "f", arguments: '{"x":1}' } },
      { id: "b", type: "function", function: { name: "patch", arguments: '{"input":"text"}' } },
      { id: "c", type: "function", function: { name: "patch", arguments: "as it is" } },
      { id: "d", type: "custom", custom: { name: "other", input: "raw" } },
    ],
  }, { tools: [{ type: "custom", name: "patch" }] });
  expect(summary(response.output).calls).toEqual([
    { type: "function_call", name: "f", input: '{"x":1}' },
    { type: "custom_tool_call", name: "patch", input: "text" },
    { type: "custom_tool_call", name: "patch", input: "as it is" },
    { type: "custom_tool_call", name: "other", input: "raw" },
  ]);
  expect(response.output.map(({ call_id: id }) => id)).toEqual([undefined, "a", "b", "c", "d"]);
});

describe("reasoning", () => {
  test("is in the model's own words, or a summary where one was asked for", () => {
    const message = { content: "Hi", reasoning_content: "Hm.", reasoning: "Hm." };
    expect(translate(message).output[0]).toMatchObject({
      type: "reasoning",
      summary: [],
      content: [{ type: "reasoning_text", text: "Hm." }],
    });
    const summarised = translate(message, { reasoning: { summary: "auto" } }).output[0]!;
    expect(summarised).toMatchObject({ summary: [{ type: "summary_text", text: "Hm." }] });
    expect("content" in summarised).toBe(false);
  });

  test("that must come back unchanged is sealed", () => {
    const details = [
      { type: "reasoning.text", text: "Hm.", signature: "sig", format: "anthropic-claude-v1", index: 0 },
      { type: "reasoning.encrypted", data: "xyz", format: "anthropic-claude-v1", index: 1 },
    ];
    const [item] = translate({ content: "Hi", reasoning_content: "Hm.", reasoning_details: details }).output;
    expect(item).toMatchObject({ type: "reasoning", content: [{ text: "Hm." }] });
    expect(unsealReasoning(item!.encrypted_content, item!.id)).toEqual(details);
  });

  test("of OpenAI's own keeps its ciphertext", () => {
    const details = [{ type: "reasoning.encrypted", data: "gAAAA", format: "openai-responses-v1", index: 0 }];
    expect(translate({ content: "Hi", reasoning_details: details }).output[0]!.encrypted_content).toBe(
      "gAAAA",
    );
  });
});

test("an answer that was cut says why, and its last item is not complete", () => {
  for (const [finish, reason] of [["length", "max_output_tokens"], ["content_filter", "content_filter"]]) {
    expect(translate({ content: "Hel" }, {}, { finish_reason: finish })).toMatchObject({
      status: "incomplete",
      completed_at: null,
      incomplete_details: { reason },
      output: [{ status: "incomplete" }],
    });
  }
});

test("a refusal is a part of its own, annotations and probabilities belong to the text", () => {
  expect(summary(translate({ refusal: "No." }).output).refusal).toBe("No.");
  const response = translate(
    {
      content: "See X",
      annotations: [{
        type: "url_citation",
        url_citation: { start_index: 4, end_index: 5, url: "http://x", title: "X" },
      }],
    },
    {},
    {
      logprobs: {
        content: [{ token: "See", logprob: -1, bytes: null, top_logprobs: [{ token: "Look", logprob: -2 }] }],
      },
    },
  );
  expect(response.output[0]!.content as unknown).toEqual([{
    type: "output_text",
    annotations: [{ type: "url_citation", start_index: 4, end_index: 5, url: "http://x", title: "X" }],
    logprobs: [{
      token: "See",
      logprob: -1,
      bytes: [],
      top_logprobs: [{ token: "Look", logprob: -2, bytes: [] }],
    }],
    text: "See X",
  }]);
});

test("an empty answer has no items", () => {
  expect(translate({ content: "" }).output).toEqual([]);
});
