import { expect, test } from "bun:test";
import { inPieces } from "./places.ts";

const call = (id: string) => ({ id, type: "function", function: { name: "f", arguments: "{}" } });
const thought = (text: string, more: object = {}) => ({ type: "reasoning.text", text, index: 0, ...more });

test("a message whose reasoning stands first is one piece, untouched", () => {
  const message = {
    role: "assistant" as const,
    content: "said",
    reasoning_details: [thought("one")],
    tool_calls: [call("a")],
  };
  expect(inPieces(message)).toEqual([message]);
  expect(inPieces(message)[0]).toBe(message);
});

test("reasoning between words and calls divides them, and nothing is said twice", () => {
  const message = {
    role: "assistant" as const,
    content: "abcdef",
    reasoning_content: "onetwothree",
    reasoning: "onetwothree",
    reasoning_details: [
      thought("one"),
      thought("two", { after: { content: 3, tool_calls: 0 } }),
      thought("three", { after: { content: 6, tool_calls: 1 } }),
    ],
    tool_calls: [call("a"), call("b")],
    annotations: [],
  };
  expect(inPieces(message)).toEqual([
    { reasoning_details: [thought("one")] },
    { content: "abc" },
    { reasoning_details: [thought("two")] },
    { content: "def" },
    { tool_calls: [{ ...call("a"), index: 0 }] },
    { reasoning_details: [thought("three")] },
    { tool_calls: [{ ...call("b"), index: 1 }] },
    { role: "assistant", annotations: [] },
  ]);
});
