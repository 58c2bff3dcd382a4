import { expect, test } from "bun:test";
import type { ChatCompletionChunk } from "../../schema/chat-completion.ts";
import { MessageEventEncoder } from "./message-event-encoder.ts";

type Event = Readonly<Record<string, unknown>>;

const options = {
  includeUsage: true,
  forcedModel: undefined,
  fallbackId: "req_1",
  fallbackModel: "m",
  created: 1,
};

function encode(deltas: readonly object[], finish = "stop", usage: object | undefined = undefined): Event[] {
  const encoder = new MessageEventEncoder(options, 42);
  const out: string[] = [];
  const head = { id: "chatcmpl-7", object: "chat.completion.chunk", created: 1, model: "m" };
  const push = (chunk: object) => encoder.push({ chunk: { ...head, ...chunk } as ChatCompletionChunk }, out);
  deltas.forEach((delta, index) =>
    push({
      choices: [{
        index: 0,
        delta: index === 0 ? { role: "assistant", ...delta } : delta,
        finish_reason: null,
      }],
    })
  );
  push({ choices: [{ index: 0, delta: {}, finish_reason: finish }] });
  if (usage !== undefined) push({ choices: [], usage });
  encoder.finish(out);
  return out.map((text) => JSON.parse(text));
}

/** The events in short: kind, block, and what it says. */
function brief(events: readonly Event[]): string[] {
  return events.map((event) => {
    const { type, index, delta, content_block: block } = event as
      & Record<string, Record<string, unknown>>
      & Event;
    const says = delta
      ? delta.text ?? delta.thinking ?? delta.signature ?? delta.partial_json ?? delta.stop_reason
      : "";
    return [type, index ?? "", block?.type ?? "", block?.name ?? "", says ?? ""].join(" ").replace(
      /\s+/g,
      " ",
    ).trim();
  });
}

const call = (index: number, id: string, name: string, text = "") => ({
  tool_calls: [{ index, id, type: "function", function: { name, arguments: text } }],
});
const more = (index: number, text: string) => ({ tool_calls: [{ index, function: { arguments: text } }] });

test("a text is one block between the message's beginning and its end", () => {
  const events = encode([{ content: "Hel" }, { content: "lo" }], "stop", {
    prompt_tokens: 10,
    completion_tokens: 2,
    total_tokens: 12,
    prompt_tokens_details: { cached_tokens: 4 },
  });
  expect(brief(events)).toEqual([
    "message_start",
    "content_block_start 0 text",
    "content_block_delta 0 Hel",
    "content_block_delta 0 lo",
    "content_block_stop 0",
    "message_delta end_turn",
    "message_stop",
  ]);
  expect(events[0]!.message).toMatchObject({
    id: "msg_7",
    role: "assistant",
    model: "m",
    usage: { input_tokens: 42 },
  });
  expect(events.at(-2)!.usage).toEqual({
    input_tokens: 6,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 4,
    output_tokens: 2,
  });
});

test("thinking, with its signature, comes before the text and each tool call in a block of its own", () => {
  const detail = (more: object) => ({ reasoning_details: [{ type: "reasoning.text", index: 0, ...more }] });
  const events = encode([
    detail({ text: "Hm" }),
    detail({ text: "m." }),
    detail({ signature: "sig" }),
    { content: "Let me look." },
    call(0, "t1", "weather", '{"city":'),
    more(0, '"Oslo"}'),
    call(1, "t2", "time"),
    more(1, "{}"),
  ], "tool_calls");
  expect(brief(events)).toEqual([
    "message_start",
    "content_block_start 0 thinking",
    "content_block_delta 0 Hm",
    "content_block_delta 0 m.",
    "content_block_delta 0 sig",
    "content_block_stop 0",
    "content_block_start 1 text",
    "content_block_delta 1 Let me look.",
    "content_block_stop 1",
    "content_block_start 2 tool_use weather",
    'content_block_delta 2 {"city":',
    'content_block_delta 2 "Oslo"}',
    "content_block_stop 2",
    "content_block_start 3 tool_use time",
    "content_block_delta 3 {}",
    "content_block_stop 3",
    "message_delta tool_use",
    "message_stop",
  ]);
});

test("a call that comes between the pieces of another waits for its end", () => {
  const events = encode([
    call(0, "t1", "weather", '{"city":'),
    call(1, "t2", "time", '{"zone":'),
    more(0, '"Oslo"}'),
    more(1, '"UTC"}'),
  ], "tool_calls");
  expect(brief(events).slice(1, -2)).toEqual([
    "content_block_start 0 tool_use weather",
    'content_block_delta 0 {"city":',
    'content_block_delta 0 "Oslo"}',
    "content_block_stop 0",
    "content_block_start 1 tool_use time",
    'content_block_delta 1 {"zone":"UTC"}',
    "content_block_stop 1",
  ]);
});

test("words between the pieces of a call wait for its end, and nothing of either is lost", () => {
  for (const words of [{ content: "words" }, { reasoning_content: "words" }]) {
    const events = encode(
      [call(0, "t1", "weather", '{"city":'), words, more(0, '"Oslo"}'), { content: "!" }],
      "tool_calls",
    );
    const kind = "content" in words ? "text" : "thinking";
    expect(brief(events).slice(1, -2)).toEqual([
      "content_block_start 0 tool_use weather",
      'content_block_delta 0 {"city":',
      'content_block_delta 0 "Oslo"}',
      "content_block_stop 0",
      `content_block_start 1 ${kind}`,
      "content_block_delta 1 words",
      "content_block_stop 1",
      "content_block_start 2 text",
      "content_block_delta 2 !",
      "content_block_stop 2",
    ]);
  }
  const cut = encode([call(0, "t1", "weather", '{"city":'), { content: "words" }], "length");
  expect(brief(cut)).toContain("content_block_delta 1 words");
});

test("input that is no object becomes one, and more than one object is an error that says so", () => {
  for (const text of ["not json", "[1]", "null", '"x"']) {
    const events = encode([call(0, "t1", "weather", text.slice(0, 2)), more(0, text.slice(2))], "tool_calls");
    const sent = events.map((event) => (event.delta as Event | undefined)?.partial_json).filter((piece) =>
      piece !== undefined
    );
    expect(JSON.parse(sent.join(""))).toEqual({ arguments: text });
  }
  expect(() => encode([call(0, "t1", "weather", '{"a":1}'), more(0, '{"b":2}')], "tool_calls")).toThrow(
    "no JSON object",
  );
  expect(() => encode([call(0, "t1", "weather", '{"a":1')], "tool_calls")).toThrow("no JSON object");
  expect(brief(encode([call(0, "t1", "weather", '{"a":1')], "length"))).toContain("message_delta max_tokens");
});

test("reasons of the end, and a refusal", () => {
  const reason = (finish: string) => (encode([{ content: "x" }], finish).at(-2)!.delta as Event).stop_reason;
  expect(["stop", "length", "content_filter"].map(reason)).toEqual(["end_turn", "max_tokens", "refusal"]);
  const refused = encode([{ refusal: "I cannot." }]);
  expect(brief(refused)).toContain("content_block_delta 0 I cannot.");
  expect((refused.at(-2)!.delta as Event).stop_reason).toBe("refusal");
});

test("an answer that is not whole is no answer", () => {
  const encoder = new MessageEventEncoder(options, 1);
  const chunk = { choices: [{ index: 0, delta: { role: "assistant", content: "x" }, finish_reason: null }] };
  encoder.push({ chunk: chunk as unknown as ChatCompletionChunk }, []);
  expect(() => encoder.finish([])).toThrow("in the middle of its answer");
});
