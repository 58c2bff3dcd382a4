import { expect, test } from "bun:test";
import type { ChatMessage } from "intellirouter/plugin";
import { arrange, placeField, readPlace } from "./places.ts";

const place = (content: number, calls = 0) => ({ content, calls });

function blocks(content: unknown, thoughts: readonly (readonly [string, ReturnType<typeof place>])[]) {
  return arrange<string>({
    thoughts: thoughts.map(([block, at]) => ({ block, place: at })),
    content: content as ChatMessage["content"],
    calls: ["call 0", "call 1"],
    encodeContent: (part) =>
      typeof part === "string"
        ? part === "" ? [] : [part]
        : (part ?? []).map((each) => String((each as { text?: unknown }).text)),
  });
}

test("without places thoughts stand first and calls last", () => {
  expect(blocks("said", [["one", place(0)], ["two", place(0)]])).toEqual([
    "one",
    "two",
    "said",
    "call 0",
    "call 1",
  ]);
  expect(blocks(null, [])).toEqual(["call 0", "call 1"]);
});

test("thoughts stand between the words and the calls where they stood", () => {
  const thoughts = [["one", place(0)], ["two", place(3)], ["three", place(6, 1)]] as const;
  const expected = ["one", "abc", "two", "def", "call 0", "three", "call 1"];
  expect(blocks("abcdef", thoughts)).toEqual(expected);
  const parts = ["ab", "cd", "ef"].map((text) => ({ type: "text", text }));
  expect(blocks(parts, thoughts)).toEqual(["one", "ab", "c", "two", "d", "ef", "call 0", "three", "call 1"]);
});

test("places beyond what a client has kept are at the end, and those that go back are not before the last", () => {
  expect(blocks("ab", [["one", place(9, 9)]])).toEqual(["ab", "call 0", "call 1", "one"]);
  expect(blocks("abcd", [["one", place(2, 1)], ["two", place(0, 0)]])).toEqual([
    "ab",
    "call 0",
    "one",
    "two",
    "cd",
    "call 1",
  ]);
});

test("a place is told but at the beginning, and read from whatever comes", () => {
  expect(placeField(place(0))).toEqual({});
  expect(readPlace(placeField(place(3, 1)))).toEqual(place(3, 1));
  for (const after of [undefined, null, 5, { content: -1, tool_calls: "x" }]) {
    expect(readPlace({ after })).toEqual(place(0));
  }
});
