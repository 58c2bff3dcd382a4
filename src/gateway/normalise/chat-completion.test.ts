import { expect, test } from "bun:test";
import { UpstreamError } from "../../plugin/api/upstream-error.ts";
import { normaliseChatCompletion } from "./chat-completion.ts";

const options = {
  includeUsage: false,
  forcedModel: undefined,
  fallbackId: "req_1",
  fallbackModel: "m",
  created: 1_700_000_000,
};
const choice = { index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" };

test("a choice without a message is no answer", () => {
  for (const given of [null, {}, { text: "Hi" }, { message: null }, { message: "Hi" }]) {
    expect(() => normaliseChatCompletion({ choices: [choice, given] }, options)).toThrow(UpstreamError);
  }
});

test("a time that is no 32-bit number of seconds is replaced", () => {
  for (const created of [1_700_000_000_123, -1, 1.5, "1700000000"]) {
    expect(normaliseChatCompletion({ created, choices: [choice] }, options).created).toBe(1_700_000_000);
  }
});

test("calls without ids get one each, the same every time", () => {
  const calls = [{ function: { name: "f" } }, { function: { name: "f" } }];
  const ask = () =>
    normaliseChatCompletion({ choices: [{ ...choice, message: { tool_calls: calls } }] }, options)
      .choices[0]!.message.tool_calls!.map(({ id }) => id);
  expect(new Set(ask()).size).toBe(2);
  expect(ask()).toEqual(ask());
});

test("usage in whichever of the vendor's own fields is found", () => {
  const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
  const body = { x_first: { id: "x" }, x_second: { usage }, choices: [choice] };
  expect(normaliseChatCompletion(body, options).usage).toEqual(usage);
});

test("a fingerprint that is no text is left out", () => {
  const answer = { choices: [choice], system_fingerprint: 7 };
  expect("system_fingerprint" in normaliseChatCompletion(answer, options)).toBe(false);
});
