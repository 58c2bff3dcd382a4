import { expect, test } from "bun:test";
import fc from "fast-check";
import type { ChatMessage } from "../../schema/chat-completion.ts";
import { newTurn } from "./new-turn.ts";

const user = (content: string): ChatMessage => ({ role: "user", content });
const assistant = (content: string): ChatMessage => ({ role: "assistant", content });
const kept = [user("one"), assistant("1"), user("two"), assistant("2")];

test("the last words alone go behind what is kept", () => {
  expect(newTurn(kept, [user("three")])).toEqual({ before: kept, fresh: [user("three")] });
  expect(newTurn([], [user("one")])).toEqual({ before: [], fresh: [user("one")] });
});

test("the whole conversation again is sent and kept once", () => {
  expect(newTurn(kept, [...kept, user("three")])).toEqual({ before: [], fresh: [user("three")] });
});

test("of the end of it again, the rest goes before", () => {
  expect(newTurn(kept, [...kept.slice(2), user("three")])).toEqual({
    before: kept.slice(0, 2),
    fresh: [user("three")],
  });
});

test("more of it than is kept is no news either", () => {
  const longer = [user("zero"), assistant("0"), ...kept];
  expect(newTurn(kept, [...longer, user("three")])).toEqual({ before: [], fresh: [user("three")] });
});

test("parts and space around make no difference, words do", () => {
  const parts: ChatMessage = { role: "assistant", content: [{ type: "text", text: " 2\n" }] };
  expect(newTurn(kept, [user("two"), parts, user("three")]).fresh).toEqual([user("three")]);
  const other = [user("two"), assistant("another answer"), user("three")];
  expect(newTurn(kept, other)).toEqual({ before: [], fresh: [user("three")] });
});

test("a conversation that comes with its past is kept with it where nothing is kept yet", () => {
  const sent = [...kept, user("three")];
  expect(newTurn([], sent)).toEqual({ before: [], fresh: sent });
  // Not where it cannot be known: that past may be kept already.
  expect(newTurn(undefined, sent)).toEqual({ before: [], fresh: [user("three")] });
});

test("the result of a call is new, and the call before it is not", () => {
  const call: ChatMessage = {
    role: "assistant",
    content: null,
    tool_calls: [{ id: "c1", type: "function", function: { name: "f", arguments: "{}" } }],
  };
  const result: ChatMessage = { role: "tool", tool_call_id: "c1", content: "done" };
  const called = [user("one"), call];
  expect(newTurn(called, [...called, result])).toEqual({ before: [], fresh: [result] });
  expect(newTurn(called, [result])).toEqual({ before: called, fresh: [result] });
});

test("law: whoever sends all, or the last words alone, makes the model see the same", () => {
  const conversations = fc.array(fc.tuple(fc.string(), fc.string()), { maxLength: 6 })
    .map((turns) => turns.flatMap(([question, answer]) => [user(question), assistant(answer)]));
  fc.assert(fc.property(conversations, fc.string(), fc.nat(5), (turns, words, from) => {
    const next = [user(words)];
    const seen = (sent: readonly ChatMessage[]) => [...newTurn(turns, sent).before, ...sent];
    expect(seen(next)).toEqual([...turns, ...next]);
    expect(seen([...turns, ...next])).toEqual([...turns, ...next]);
    const part = [...turns.slice(Math.min(from * 2, Math.max(0, turns.length - 2))), ...next];
    expect(newTurn(turns, part).fresh).toEqual(next);
  }));
});
