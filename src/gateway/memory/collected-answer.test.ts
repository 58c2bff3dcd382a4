import { expect, test } from "bun:test";
import { CollectedAnswer } from "./collected-answer.ts";

const text = (value: unknown) => JSON.stringify(value);

test("a chat answer is put together from its pieces, calls and refusals too, and of several the first", () => {
  const answer = new CollectedAnswer("chat");
  const piece = (delta: object, more: object = {}) => text({ choices: [{ index: 0, delta, ...more }] });
  answer.add([piece({ role: "assistant", content: "Let " }), piece({ content: "me." })]);
  answer.add([text({ choices: [{ index: 1, delta: { content: "other" }, finish_reason: "stop" }] })]);
  answer.add([
    piece({ tool_calls: [{ index: 0, id: "c1", function: { name: "f", arguments: '{"a"' } }] }),
    piece({ tool_calls: [{ index: 1, id: "c2", function: { name: "g", arguments: "" } }] }),
    piece({ tool_calls: [{ index: 0, function: { arguments: ":1}" } }] }),
    "no JSON",
    text({ choices: [], usage: {} }),
  ]);
  expect(answer.isWhole).toBe(false);
  answer.add([piece({}, { finish_reason: "tool_calls" })]);
  expect(answer.isWhole).toBe(true);
  expect(answer.message()).toEqual({
    role: "assistant",
    content: "Let me.",
    tool_calls: [
      { id: "c1", type: "function", function: { name: "f", arguments: '{"a":1}' } },
      { id: "c2", type: "function", function: { name: "g", arguments: "{}" } },
    ],
  });
});

test("an answer in Anthropic's protocol is, too, without its thoughts", () => {
  const answer = new CollectedAnswer("messages");
  const start = (index: number, block: object) =>
    text({ type: "content_block_start", index, content_block: block });
  const delta = (index: number, part: object) => text({ type: "content_block_delta", index, delta: part });
  answer.add([
    text({ type: "message_start", message: {} }),
    start(0, { type: "thinking", thinking: "" }),
    delta(0, { type: "thinking_delta", thinking: "hm" }),
    start(1, { type: "text", text: "" }),
    delta(1, { type: "text_delta", text: "Hello" }),
    start(2, { type: "tool_use", id: "t1", name: "f", input: {} }),
    delta(2, { type: "input_json_delta", partial_json: '{"a":' }),
    delta(2, { type: "input_json_delta", partial_json: "1}" }),
    text({ type: "message_delta", delta: { stop_reason: "tool_use" } }),
  ]);
  expect(answer.isWhole).toBe(false);
  answer.add([text({ type: "message_stop" })]);
  expect(answer.isWhole).toBe(true);
  expect(answer.message()).toEqual({
    role: "assistant",
    content: "Hello",
    tool_calls: [{ id: "t1", type: "function", function: { name: "f", arguments: '{"a":1}' } }],
  });
});
