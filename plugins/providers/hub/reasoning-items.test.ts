import { expect, test } from "bun:test";
import type { ChatMessage } from "intellirouter/plugin";
import { readReasoning } from "./reasoning-items.ts";

const read = (fields: object) =>
  readReasoning({ role: "assistant", content: "x", ...fields } as ChatMessage).map((
    { kind, text, signature, format },
  ) => [kind, text, signature, format]);
const claude = "anthropic-claude-v1";

test("pieces of one item are put together, and kinds of one number are not", () => {
  expect(read({
    reasoning_details: [
      { type: "reasoning.text", text: "a", format: claude, index: 0 },
      { type: "reasoning.text", text: "b", format: claude, index: 0 },
      { type: "reasoning.encrypted", data: "c", format: claude, index: 0 },
      { type: "reasoning.text", signature: "s", index: 0 },
      { type: "reasoning.text", text: "d", index: 1 },
      { type: "reasoning.unheard-of" },
    ],
  })).toEqual([["text", "ab", "s", claude], ["encrypted", "c", "", claude], ["text", "d", "", ""]]);
});

test("items without numbers stand for themselves", () => {
  const one = { type: "reasoning.summary", summary: "a" };
  expect(read({ reasoning_details: [one, one] })).toEqual([["summary", "a", "", ""], [
    "summary",
    "a",
    "",
    "",
  ]]);
});

test("blocks as other gateways name them are known, and bare text is the last resort", () => {
  const thinking_blocks = [{ type: "thinking", thinking: "a", signature: "s" }, {
    type: "redacted_thinking",
    data: "d",
  }];
  expect(read({ thinking_blocks, reasoning_content: "a" })).toEqual([
    ["text", "a", "s", claude],
    ["encrypted", "d", "", claude],
  ]);
  expect(read({ reasoning_details: [], reasoning: "a" })).toEqual([["text", "a", "", ""]]);
  expect(read({ reasoning_details: null, thinking_blocks: "no" })).toEqual([]);
});
