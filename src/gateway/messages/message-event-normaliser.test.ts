import { expect, test } from "bun:test";
import type { MessageEvent } from "../../schema/message.ts";
import { MessageEventNormaliser } from "./message-event-normaliser.ts";
import { chatUsage, messageUsage, stopReason } from "./stop-reason.ts";

const options = {
  includeUsage: false,
  forcedModel: undefined,
  fallbackId: "r",
  fallbackModel: "m",
  created: 1,
};

const start = (usage: object = { input_tokens: 9, output_tokens: 1 }) => ({
  type: "message_start",
  message: { id: "msg_1", type: "message", role: "assistant", model: "claude", content: [], usage },
});
const open = (index: number) => ({
  type: "content_block_start",
  index,
  content_block: { type: "text", text: "" },
});
const say = (index: number, text: string) => ({
  type: "content_block_delta",
  index,
  delta: { type: "text_delta", text },
});
const shut = (index: number) => ({ type: "content_block_stop", index });
const end = (usage: object = { output_tokens: 5 }) => ({
  type: "message_delta",
  delta: { stop_reason: "end_turn" },
  usage,
});
const stop = { type: "message_stop" };

function normalise(
  events: readonly object[],
  overrides: Partial<typeof options> | { forcedModel: string } = {},
) {
  const normaliser = new MessageEventNormaliser({ ...options, ...overrides });
  const out: string[] = [];
  for (const event of events) {
    normaliser.push({ chunk: event as MessageEvent, text: JSON.stringify(event) }, out);
  }
  return { normaliser, out, end: () => (normaliser.finish(out), out.map((text) => JSON.parse(text))) };
}

test("a faultless stream passes as the text that it came in", () => {
  const events = [start(), open(0), say(0, "Hi"), shut(0), end(), stop];
  const { normaliser, out } = normalise(events);
  normaliser.finish(out);
  expect(out).toEqual(events.map((event) => JSON.stringify(event)));
  expect(normaliser.usage).toMatchObject({ prompt_tokens: 9, completion_tokens: 5, total_tokens: 14 });
  expect(normaliser.outputCharacters).toBe(2);
});

test("a second beginning is not passed on, and its counts hold", () => {
  const { normaliser, end: finish } = normalise([
    start({ input_tokens: 1, output_tokens: 1 }),
    start({ input_tokens: 9, output_tokens: 1 }),
    open(0),
    shut(0),
    end({ output_tokens: null, input_tokens: 9 }),
    stop,
  ]);
  expect(finish().filter(({ type }) => type === "message_start")).toHaveLength(1);
  expect(normaliser.usage).toMatchObject({ prompt_tokens: 9, completion_tokens: 1 });
});

test("blocks that are not closed are, before the next and before the end", () => {
  const { end: finish } = normalise([start(), open(0), say(0, "a"), open(1), say(1, "b"), end()]);
  expect(finish().map(({ type, index }) => index === undefined ? type : `${type} ${index}`)).toEqual([
    "message_start",
    "content_block_start 0",
    "content_block_delta 0",
    "content_block_stop 0",
    "content_block_start 1",
    "content_block_delta 1",
    "content_block_stop 1",
    "message_delta",
    "message_stop",
  ]);
});

test("a piece of a block that is not open is an error, not a loss", () => {
  expect(() => normalise([start(), open(0), open(1), say(0, "LOST")])).toThrow("block 0, which is not open");
});

test("what comes after the end, and signs of life, are not passed on", () => {
  const { out } = normalise([start(), { type: "ping" }, open(0), shut(0), end(), stop, say(0, "more"), stop]);
  expect(out).toHaveLength(5);
});

test("an answer that is not whole is none", () => {
  expect(() => normalise([]).end()).toThrow("without an answer");
  expect(() => normalise([start(), open(0), say(0, "x")]).end()).toThrow("in the middle");
  expect(() => normalise([open(0)])).toThrow("began without a message");
  expect(() => normalise([{ index: 0 }])).toThrow("without a type");
});

test("the model may be another, and nothing else of the beginning changes", () => {
  const { out } = normalise([start()], { forcedModel: "alias" });
  const given = start();
  expect(JSON.parse(out[0]!)).toEqual({ ...given, message: { ...given.message, model: "alias" } });
});

test("signs of life and failures have the protocol's own form", () => {
  const before = normalise([]).normaliser;
  expect(before.heartbeat()).toBeUndefined();
  const { normaliser } = normalise([start()]);
  expect(normaliser.heartbeat()).toBe('{"type":"ping"}');
  expect(normalise([start(), end(), stop]).normaliser.heartbeat()).toBeUndefined();
});

test("cached tokens are counted beside the input there, and as a part of the prompt here", () => {
  const anthropic = {
    input_tokens: 6,
    cache_creation_input_tokens: 3,
    cache_read_input_tokens: 4,
    output_tokens: 5,
  };
  const openai = {
    prompt_tokens: 13,
    completion_tokens: 5,
    total_tokens: 18,
    prompt_tokens_details: { cached_tokens: 4, cache_write_tokens: 3 },
  };
  expect(chatUsage(anthropic)).toEqual(openai);
  expect(messageUsage(openai)).toEqual(anthropic);
  expect(chatUsage({ input_tokens: 1 })).toBeUndefined();
  expect(["stop", "length", "tool_calls", "function_call", "content_filter", null].map(stopReason)).toEqual(
    ["end_turn", "max_tokens", "tool_use", "tool_use", "refusal", "end_turn"],
  );
});

test("blocks are numbered from 0, whatever the backend numbers", () => {
  const { end: finish } = normalise([
    start(),
    open(1),
    say(1, "a"),
    shut(1),
    open(7),
    say(7, "b"),
    shut(7),
    end(),
    stop,
  ]);
  expect(finish().map(({ index }) => index).filter((index) => index !== undefined)).toEqual([
    0,
    0,
    0,
    1,
    1,
    1,
  ]);
});

test("another message in the middle of an answer is an error", () => {
  const other = { ...start(), message: { ...start().message, id: "msg_2" } };
  expect(() => normalise([start(), open(0), say(0, "a"), other])).toThrow("another message");
});

test("fields that clients insist on are put in, and only those", () => {
  const { end: finish } = normalise([
    { type: "message_start", message: { odd: 1 } },
    {
      type: "content_block_start",
      index: 0,
      content_block: { type: "tool_use", name: "f", input: { a: 1 } },
    },
    shut(0),
    { type: "message_delta", delta: { stop_reason: "stop" } },
    stop,
  ]);
  expect(finish()).toEqual([
    {
      type: "message_start",
      message: {
        odd: 1,
        id: "msg_r",
        type: "message",
        role: "assistant",
        model: "m",
        content: [],
        usage: { input_tokens: 0, output_tokens: 0 },
      },
    },
    {
      type: "content_block_start",
      index: 0,
      content_block: { type: "tool_use", name: "f", input: {}, id: "toolu_r_0" },
    },
    { type: "content_block_delta", index: 0, delta: { type: "input_json_delta", partial_json: '{"a":1}' } },
    { type: "content_block_stop", index: 0 },
    { type: "message_delta", delta: { stop_reason: "tool_use" }, usage: { output_tokens: 0 } },
    { type: "message_stop" },
  ]);
});

test("input that is no object is an error, unless the limit cut it off", () => {
  const call = {
    type: "content_block_start",
    index: 0,
    content_block: { type: "tool_use", id: "t", name: "f", input: {} },
  };
  const half = {
    type: "content_block_delta",
    index: 0,
    delta: { type: "input_json_delta", partial_json: '{"a' },
  };
  const reason = (stop_reason: string) => ({
    type: "message_delta",
    delta: { stop_reason },
    usage: { output_tokens: 1 },
  });
  expect(() => normalise([start(), call, half, shut(0), reason("tool_use")])).toThrow("no JSON object");
  expect(() => normalise([start(), call, half, shut(0), reason("max_tokens"), stop]).end()).not.toThrow();
});

test("a piece that does not belong into its block is an error", () => {
  const thinking = {
    type: "content_block_start",
    index: 0,
    content_block: { type: "thinking", thinking: "", signature: "" },
  };
  expect(() => normalise([start(), thinking, say(0, "a")])).toThrow("text_delta in a block of thinking");
});

test("a message that stops without a reason is broken off", () => {
  expect(() => normalise([start(), open(0), shut(0), stop])).toThrow("in the middle");
});
