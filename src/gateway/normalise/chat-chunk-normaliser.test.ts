import { expect, test } from "bun:test";
import type { ChatCompletionChunk } from "../../schema/chat-completion.ts";
import { checkStream } from "../../../test/support/strict-stream-checker.ts";
import { UpstreamError } from "../../plugin/api/upstream-error.ts";
import { ChatChunkNormaliser } from "./chat-chunk-normaliser.ts";

const head = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1_700_000_000, model: "m" };

function chunk(delta: unknown, finish: unknown = null, extra: object = {}): object {
  return { ...head, choices: [{ index: 0, delta, finish_reason: finish }], ...extra };
}

function made(forcedModel?: string): ChatChunkNormaliser {
  return new ChatChunkNormaliser({
    includeUsage: false,
    forcedModel,
    fallbackId: "req_1",
    fallbackModel: "m",
    created: 1_700_000_000,
  });
}

function push(normaliser: ChatChunkNormaliser, given: object): string[] {
  const out: string[] = [];
  normaliser.push({ chunk: given as ChatCompletionChunk, text: JSON.stringify(given) }, out);
  return out;
}

function run(...chunks: object[]) {
  const normaliser = made();
  const out = chunks.flatMap((given) => push(normaliser, given));
  normaliser.finish(out);
  return checkStream(out, false);
}

const opened = chunk({ role: "assistant", content: null });
const ended = chunk({}, "tool_calls");
const call = (index: number, id: string | undefined, name: string | undefined, text: string) =>
  chunk({
    tool_calls: [{
      index,
      ...(id === undefined ? {} : { id }),
      type: "function",
      function: { ...(name === undefined ? {} : { name }), arguments: text },
    }],
  });

test("two calls under one id stay two calls, each with an id of its own", () => {
  const { problems, calls } = run(opened, call(0, "f", "f", '{"a":1}'), call(1, "f", "f", '{"a":2}'), ended);
  expect(problems).toEqual([]);
  expect(calls.map((each) => each.arguments)).toEqual(['{"a":1}', '{"a":2}']);
  expect(new Set(calls.map(({ id }) => id)).size).toBe(2);
});

test("calls under one id whose indexes start at 1 are kept apart by the index", () => {
  const { problems, calls } = run(
    opened,
    call(1, "f", "f", '{"a":'),
    call(2, "f", "f", '{"a":'),
    call(1, "f", undefined, "1}"),
    call(2, "f", undefined, "2}"),
    ended,
  );
  expect(problems).toEqual([]);
  expect(calls.map((each) => each.arguments)).toEqual(['{"a":1}', '{"a":2}']);
});

test("another name under a used index is another call, ids or not", () => {
  const { problems, calls } = run(
    opened,
    call(0, undefined, "f", "{}"),
    call(0, undefined, "g", "{}"),
    ended,
  );
  expect(problems).toEqual([]);
  expect(calls.map(({ name }) => name)).toEqual(["f", "g"]);
});

test("a name that comes after the id still names its call", () => {
  const { problems, calls } = run(
    opened,
    chunk({ tool_calls: [{ index: 0, id: "c1", type: "function", function: { arguments: "" } }] }),
    chunk({ tool_calls: [{ index: 0, function: { name: "f", arguments: "" } }] }),
    call(0, undefined, undefined, '{"a":1}'),
    ended,
  );
  expect(problems).toEqual([]);
  expect(calls).toEqual([{ id: "c1", name: "f", arguments: '{"a":1}' }]);
});

test("a time that is no 32-bit number of seconds is replaced", () => {
  const normaliser = made();
  const [text] = push(normaliser, {
    ...chunk({ role: "assistant", content: "a" }),
    created: 1_700_000_000_123,
  });
  expect(JSON.parse(text!).created).toBe(1_700_000_000);
});

test("words of an object's own machinery are no finish reasons", () => {
  expect(run(chunk({ role: "assistant", content: "a" }), chunk({}, "constructor")).finish).toBe("stop");
});

test("an empty error is none", () => {
  for (const error of ["", false, {}]) {
    const { problems, content } = run(
      chunk({ role: "assistant", content: "a" }, null, { error }),
      chunk({}, "stop", { error }),
    );
    expect(problems).toEqual([]);
    expect(content).toBe("a");
  }
});

test("the model that the operator wants named is in every piece", () => {
  const normaliser = made("fast");
  const out = [chunk({ role: "assistant", content: "a" }), chunk({ content: "b" }), chunk({}, "stop")]
    .flatMap((given) => push(normaliser, given));
  expect(out.map((text) => JSON.parse(text).model)).toEqual(["fast", "fast", "fast"]);
});

test("output begins with the first token, not with the opening", () => {
  const normaliser = made();
  push(normaliser, chunk({ role: "assistant", content: "" }));
  expect(normaliser.hasOutput).toBe(false);
  push(normaliser, chunk({ reasoning: "Hm." }));
  expect(normaliser.hasOutput).toBe(true);
  expect(normaliser.outputCharacters).toBe(3);
});

test("a heartbeat is possible only inside of an open answer", () => {
  const normaliser = made();
  expect(normaliser.heartbeat()).toBeUndefined();
  const out = push(normaliser, chunk({ role: "assistant", content: "a" }));
  out.push(normaliser.heartbeat()!);
  out.push(...push(normaliser, chunk({}, "stop")));
  expect(normaliser.heartbeat()).toBeUndefined();
  normaliser.finish(out);
  expect(checkStream(out, false).problems).toEqual([]);
});

test("an answer with one of its choices unfinished is not whole", () => {
  const normaliser = made();
  for (const index of [0, 1]) {
    push(normaliser, {
      ...head,
      choices: [{ index, delta: { role: "assistant", content: "a" }, finish_reason: null }],
    });
  }
  push(normaliser, chunk({}, "stop"));
  expect(() => normaliser.finish([])).toThrow(UpstreamError);
});

test("a whole answer instead of pieces is the answer, and one after the pieces is not told again", () => {
  const message = { role: "assistant", content: "Hello" };
  const whole = { ...head, choices: [{ index: 0, message, finish_reason: "stop" }] };
  expect(run(whole)).toMatchObject({ problems: [], content: "Hello", finish: "stop" });
  expect(run(chunk({ role: "assistant", content: "Hel" }), chunk({ content: "lo" }), whole)).toMatchObject({
    problems: [],
    content: "Hello",
    finish: "stop",
  });
});

test("an answer that says it calls tools but does not has merely ended", () => {
  expect(run(chunk({ role: "assistant", content: "Hello" }), ended).finish).toBe("stop");
});

test("a piece never has half a character", () => {
  const torn = [chunk({ role: "assistant", content: "a\ud83d" }), chunk({ content: "\ude00" })];
  expect(run(...torn, chunk({}, "stop"))).toMatchObject({ problems: [], content: "a\u{1F600}" });
  expect(run(torn[0]!, chunk({}, "stop"))).toMatchObject({ problems: [], content: "a\ufffd" });
  const thought = chunk({ role: "assistant", content: null, reasoning: "a\ud83d" });
  expect(run(thought, chunk({ content: "b" }), chunk({}, "stop"))).toMatchObject({
    problems: [],
    reasoning: "a\ufffd",
  });
});
