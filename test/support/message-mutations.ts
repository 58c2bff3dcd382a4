/**
 * The ways in which backends break the streams of Anthropic's Messages protocol, each as the bytes that they send and what a client
 * must nevertheless get. Many speak it beside their own: local servers, other vendors, gateways.
 */
export interface MessageMutation {
  readonly name: string;
  /** The whole body of the response. */
  readonly body: string;
  /** What must come out; `fails` when the answer must not pass for a whole one. */
  readonly expected: {
    readonly content?: string;
    readonly thinking?: string;
    readonly calls?: readonly { readonly name: string; readonly input: unknown }[];
    readonly stop: string;
  } | "fails";
}

type Loose = Record<string, unknown>;

export function events(...list: (Loose | string)[]): string {
  return list.map((event) =>
    typeof event === "string" ? event : `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
  ).join("");
}

const usage = {
  input_tokens: 9,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 4,
  output_tokens: 1,
};
const message = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "m",
  content: [],
  stop_reason: null,
  stop_sequence: null,
  usage,
};
const start = (change: Loose = {}): Loose => ({ type: "message_start", message: { ...message, ...change } });
const open = (index: unknown, block: Loose = { type: "text", text: "" }): Loose => ({
  type: "content_block_start",
  index,
  content_block: block,
});
const delta = (index: unknown, change: Loose): Loose => ({
  type: "content_block_delta",
  index,
  delta: change,
});
const say = (index: unknown, text: unknown): Loose => delta(index, { type: "text_delta", text });
const think = (index: unknown, thinking: unknown): Loose =>
  delta(index, { type: "thinking_delta", thinking });
const sign = (index: unknown, signature: unknown): Loose =>
  delta(index, { type: "signature_delta", signature });
const input = (index: unknown, json: unknown): Loose =>
  delta(index, { type: "input_json_delta", partial_json: json });
const shut = (index: unknown): Loose => ({ type: "content_block_stop", index });
const end = (reason: unknown = "end_turn", counts: unknown = { output_tokens: 5 }): Loose => ({
  type: "message_delta",
  delta: { stop_reason: reason, stop_sequence: null },
  usage: counts,
});
const stop: Loose = { type: "message_stop" };
const ping: Loose = { type: "ping" };
const use = (id: unknown, name: unknown, given: unknown = {}): Loose => ({
  type: "tool_use",
  id,
  name,
  input: given,
});
const thought: Loose = { type: "thinking", thinking: "", signature: "" };

const hello = [open(0), say(0, "Hello"), say(0, " world"), shut(0)];
const plain = [start(), ...hello, end(), stop];
const text = { content: "Hello world", stop: "end_turn" } as const;
const oslo = [{ name: "weather", input: { city: "Oslo" } }];
const both = [...oslo, { name: "time", input: { zone: 1 } }];
const weather = (index: number) => [
  open(index, use("toolu_1", "weather")),
  input(index, '{"city":'),
  input(index, '"Oslo"}'),
  shut(index),
];
const time = (
  index: number,
) => [open(index, use("toolu_2", "time")), input(index, '{"zone":1}'), shut(index)];
const tools = { calls: oslo, stop: "tool_use" };
const without = (given: Loose, ...fields: string[]): Loose =>
  Object.fromEntries(Object.entries(given).filter(([field]) => !fields.includes(field)));

export const messageMutations: readonly MessageMutation[] = [
  { name: "faultless", body: events(...plain), expected: text },
  {
    name: "faultless thinking and calls",
    body: events(
      start(),
      open(0, thought),
      think(0, "Hm."),
      sign(0, "sig"),
      shut(0),
      ...weather(1),
      ...time(2),
      end("tool_use"),
      stop,
    ),
    expected: { thinking: "Hm.", calls: both, stop: "tool_use" },
  },
  // Framing.
  {
    name: "pings everywhere",
    body: events(...plain.flatMap((event) => [ping, event, ping])),
    expected: text,
  },
  { name: "no names of events", body: events(...plain).replaceAll(/event: \w+\n/g, ""), expected: text },
  {
    name: "wrong names of events",
    body: events(...plain).replaceAll(/event: \w+\n/g, "event: message\n"),
    expected: text,
  },
  { name: "CRLF line ends", body: events(...plain).replaceAll("\n", "\r\n"), expected: text },
  {
    name: "no spaces after colons",
    body: events(...plain).replaceAll(/^(event|data): /gm, "$1:"),
    expected: text,
  },
  {
    name: "data before the event's name",
    body: events(...plain).replaceAll(/(event: \w+\n)(data: .*\n)/g, "$2$1"),
    expected: text,
  },
  {
    name: "comments between events",
    body: events(": hello\n\n", ...plain.flatMap((event) => [event, ": ping\n\n"])),
    expected: text,
  },
  { name: "a byte order mark", body: `\ufeff${events(...plain)}`, expected: text },
  { name: "the last event without a blank line", body: events(...plain).trimEnd(), expected: text },
  { name: "[DONE] at the end", body: events(...plain, "data: [DONE]\n\n"), expected: text },
  {
    name: "[DONE] instead of the end",
    body: events(start(), ...hello, end(), "data: [DONE]\n\n"),
    expected: text,
  },
  {
    name: "an event over several data lines",
    body: events(
      start(),
      open(0),
      `event: content_block_delta\ndata: ${
        JSON.stringify(say(0, "Hello world"), null, 1).replaceAll("\n", "\ndata: ")
      }\n\n`,
      shut(0),
      end(),
      stop,
    ),
    expected: text,
  },
  {
    name: "empty data",
    body: events(start(), "data:\n\n", ...hello, "event: ping\ndata:\n\n", end(), stop),
    expected: text,
  },
  // The beginning.
  { name: "the beginning twice", body: events(start(), start(), ...hello, end(), stop), expected: text },
  {
    name: "the same beginning again in the middle",
    body: events(start(), open(0), say(0, "Hello"), start(), say(0, " world"), shut(0), end(), stop),
    expected: text,
  },
  {
    name: "another message in the middle",
    body: events(start(), open(0), say(0, "Hello"), start({ id: "msg_2" }), ...hello, end(), stop),
    expected: "fails",
  },
  { name: "a ping before the beginning", body: events(ping, ...plain), expected: text },
  { name: "no id", body: events(start({ id: undefined }), ...hello, end(), stop), expected: text },
  { name: "no model", body: events(start({ model: undefined }), ...hello, end(), stop), expected: text },
  {
    name: "no role and type",
    body: events(start({ role: undefined, type: undefined }), ...hello, end(), stop),
    expected: text,
  },
  { name: "no content", body: events(start({ content: undefined }), ...hello, end(), stop), expected: text },
  { name: "content null", body: events(start({ content: null }), ...hello, end(), stop), expected: text },
  {
    name: "content already in the beginning",
    body: events(start({ content: [{ type: "text", text: "" }] }), ...hello, end(), stop),
    expected: text,
  },
  {
    name: "no reasons in the beginning",
    body: events(start({ stop_reason: undefined, stop_sequence: undefined }), ...hello, end(), stop),
    expected: text,
  },
  {
    name: "no usage in the beginning",
    body: events(start({ usage: undefined }), ...hello, end(), stop),
    expected: text,
  },
  {
    name: "usage null in the beginning",
    body: events(start({ usage: null }), ...hello, end(), stop),
    expected: text,
  },
  {
    name: "usage of zeros, nulls and texts in the beginning",
    body: events(
      start({
        usage: {
          input_tokens: null,
          output_tokens: "1",
          cache_read_input_tokens: null,
          cache_creation_input_tokens: -1,
        },
      }),
      ...hello,
      end(),
      stop,
    ),
    expected: text,
  },
  {
    name: "only usage of output in the beginning",
    body: events(start({ usage: { output_tokens: 1 } }), ...hello, end(), stop),
    expected: text,
  },
  {
    name: "no message in the beginning",
    body: events({ type: "message_start" }, ...hello, end(), stop),
    expected: text,
  },
  // Blocks.
  {
    name: "a block without end before the next",
    body: events(
      start(),
      open(0),
      say(0, "Hello world"),
      open(1, use("toolu_1", "weather")),
      input(1, '{"city":"Oslo"}'),
      shut(1),
      end("tool_use"),
      stop,
    ),
    expected: { content: "Hello world", ...tools },
  },
  {
    name: "the last block without end",
    body: events(start(), open(0), say(0, "Hello world"), end(), stop),
    expected: text,
  },
  { name: "a block that ends twice", body: events(start(), ...hello, shut(0), end(), stop), expected: text },
  {
    name: "the end of a block that never began",
    body: events(start(), shut(3), ...hello, end(), stop),
    expected: text,
  },
  {
    name: "a block that ends after the reason",
    body: events(start(), open(0), say(0, "Hello world"), end(), shut(0), stop),
    expected: text,
  },
  {
    name: "blocks that overlap",
    body: events(
      start(),
      open(0),
      say(0, "Hello"),
      open(1),
      say(1, "other"),
      say(0, " world"),
      shut(0),
      shut(1),
      end(),
      stop,
    ),
    expected: "fails",
  },
  {
    name: "a piece of a block that never began",
    body: events(start(), say(0, "Hello world"), end(), stop),
    expected: "fails",
  },
  {
    name: "a piece after its block's end",
    body: events(start(), ...hello, say(0, " and more"), end(), stop),
    expected: "fails",
  },
  {
    name: "indexes that start at 1",
    body: events(start(), open(1), say(1, "Hello world"), shut(1), end(), stop),
    expected: text,
  },
  {
    name: "indexes with a gap",
    body: events(start(), ...hello, ...weather(5), end("tool_use"), stop),
    expected: { content: "Hello world", ...tools },
  },
  {
    name: "every index 0",
    body: events(start(), ...hello, ...weather(0), ...time(0), end("tool_use"), stop),
    expected: { content: "Hello world", calls: both, stop: "tool_use" },
  },
  {
    name: "no indexes",
    body: events(...plain.map((event) => without(event, "index"))),
    expected: text,
  },
  {
    name: "indexes as texts",
    body: events(start(), open("0"), say("0", "Hello world"), shut("0"), end(), stop),
    expected: text,
  },
  {
    name: "a text block without its text",
    body: events(start(), open(0, { type: "text" }), say(0, "Hello world"), shut(0), end(), stop),
    expected: text,
  },
  {
    name: "a text block that begins with its text",
    body: events(start(), open(0, { type: "text", text: "Hello" }), say(0, " world"), shut(0), end(), stop),
    expected: text,
  },
  {
    name: "a text block without pieces",
    body: events(start(), open(0, { type: "text", text: "Hello world" }), shut(0), end(), stop),
    expected: text,
  },
  {
    name: "thinking without its fields",
    body: events(
      start(),
      open(0, { type: "thinking" }),
      think(0, "Hm."),
      shut(0),
      open(1),
      say(1, "Hello world"),
      shut(1),
      end(),
      stop,
    ),
    expected: { ...text, thinking: "Hm." },
  },
  {
    name: "pieces of thinking that are null and empty",
    body: events(
      start(),
      open(0, thought),
      think(0, null),
      think(0, ""),
      think(0, "Hm."),
      sign(0, null),
      shut(0),
      open(1),
      say(1, "Hello world"),
      shut(1),
      end(),
      stop,
    ),
    expected: { ...text, thinking: "Hm." },
  },
  {
    name: "pieces of text that are null and empty",
    body: events(start(), open(0), say(0, null), say(0, ""), say(0, "Hello world"), shut(0), end(), stop),
    expected: text,
  },
  {
    name: "a piece without delta",
    body: events(
      start(),
      open(0),
      { type: "content_block_delta", index: 0 },
      say(0, "Hello world"),
      shut(0),
      end(),
      stop,
    ),
    expected: text,
  },
  {
    name: "a block without block",
    body: events(
      start(),
      { type: "content_block_start", index: 0 },
      say(0, "Hello world"),
      shut(0),
      end(),
      stop,
    ),
    expected: "fails",
  },
  {
    name: "text in a block of thinking",
    body: events(start(), open(0, thought), say(0, "Hello world"), shut(0), end(), stop),
    expected: "fails",
  },
  {
    name: "a character torn in two",
    body: events(start(), open(0), say(0, "Hello \ud83d"), say(0, "\ude00"), shut(0), end(), stop),
    expected: { content: "Hello \u{1F600}", stop: "end_turn" },
  },
  // Calls.
  {
    name: "empty pieces of input",
    body: events(
      start(),
      open(0, use("toolu_1", "weather")),
      input(0, ""),
      input(0, '{"city":"Oslo"}'),
      input(0, ""),
      shut(0),
      end("tool_use"),
      stop,
    ),
    expected: tools,
  },
  {
    name: "no input at all",
    body: events(start(), open(0, use("toolu_1", "now")), input(0, ""), shut(0), end("tool_use"), stop),
    expected: { calls: [{ name: "now", input: {} }], stop: "tool_use" },
  },
  {
    name: "input null where it begins",
    body: events(
      start(),
      open(0, use("toolu_1", "weather", null)),
      input(0, '{"city":"Oslo"}'),
      shut(0),
      end("tool_use"),
      stop,
    ),
    expected: tools,
  },
  {
    name: "input as a text where it begins",
    body: events(
      start(),
      open(0, use("toolu_1", "weather", "")),
      input(0, '{"city":"Oslo"}'),
      shut(0),
      end("tool_use"),
      stop,
    ),
    expected: tools,
  },
  {
    name: "all input where it begins",
    body: events(
      start(),
      open(0, use("toolu_1", "weather", { city: "Oslo" })),
      shut(0),
      end("tool_use"),
      stop,
    ),
    expected: tools,
  },
  {
    name: "all input where it begins and again in pieces",
    body: events(
      start(),
      open(0, use("toolu_1", "weather", { city: "Oslo" })),
      input(0, '{"city":"Oslo"}'),
      shut(0),
      end("tool_use"),
      stop,
    ),
    expected: tools,
  },
  {
    name: "thinking that begins with its thought",
    body: events(
      start(),
      open(0, { type: "thinking", thinking: "Hm.", signature: "sig" }),
      shut(0),
      open(1),
      say(1, "Hello world"),
      shut(1),
      end(),
      stop,
    ),
    expected: { ...text, thinking: "Hm." },
  },
  {
    name: "pieces of input as objects",
    body: events(
      start(),
      open(0, use("toolu_1", "weather")),
      input(0, { city: "Oslo" }),
      shut(0),
      end("tool_use"),
      stop,
    ),
    expected: tools,
  },
  {
    name: "a call without id",
    body: events(
      start(),
      open(0, use(undefined, "weather")),
      input(0, '{"city":"Oslo"}'),
      shut(0),
      end("tool_use"),
      stop,
    ),
    expected: tools,
  },
  {
    name: "two calls of one id",
    body: events(
      start(),
      ...weather(0),
      open(1, use("toolu_1", "time")),
      input(1, '{"zone":1}'),
      shut(1),
      end("tool_use"),
      stop,
    ),
    expected: { calls: both, stop: "tool_use" },
  },
  {
    name: "a call without name",
    body: events(start(), open(0, use("toolu_1", undefined)), input(0, "{}"), shut(0), end("tool_use"), stop),
    expected: "fails",
  },
  {
    name: "input that is no JSON",
    body: events(
      start(),
      open(0, use("toolu_1", "weather")),
      input(0, '{"city":'),
      shut(0),
      end("tool_use"),
      stop,
    ),
    expected: "fails",
  },
  {
    name: "input that the limit cut off",
    body: events(
      start(),
      ...hello,
      open(1, use("toolu_1", "weather")),
      input(1, '{"ci'),
      shut(1),
      end("max_tokens"),
      stop,
    ),
    expected: { content: "Hello world", calls: [{ name: "weather", input: {} }], stop: "max_tokens" },
  },
  {
    name: "a call that ends in end_turn",
    body: events(start(), ...weather(0), end(), stop),
    expected: tools,
  },
  { name: "tool_use without a call", body: events(start(), ...hello, end("tool_use"), stop), expected: text },
  // The end.
  { name: "no message_stop", body: events(start(), ...hello, end()), expected: text },
  { name: "message_stop twice", body: events(...plain, stop), expected: text },
  { name: "something after the end", body: events(...plain, ...hello), expected: text },
  {
    name: "no usage at the end",
    body: events(start(), ...hello, without(end(), "usage"), stop),
    expected: text,
  },
  {
    name: "usage null at the end",
    body: events(start(), ...hello, end("end_turn", null), stop),
    expected: text,
  },
  {
    name: "usage without output at the end",
    body: events(start(), ...hello, end("end_turn", { input_tokens: 9 }), stop),
    expected: text,
  },
  {
    name: "usage as texts at the end",
    body: events(start(), ...hello, end("end_turn", { output_tokens: "5", input_tokens: "9" }), stop),
    expected: text,
  },
  {
    name: "the reason in two events",
    body: events(
      start(),
      ...hello,
      end(null, { output_tokens: 3 }),
      end("end_turn", { output_tokens: 5 }),
      stop,
    ),
    expected: text,
  },
  {
    name: "usage in an event of its own after the reason",
    body: events(
      start(),
      ...hello,
      end(),
      { type: "message_delta", delta: {}, usage: { output_tokens: 5 } },
      stop,
    ),
    expected: text,
  },
  {
    name: "no stop_sequence",
    body: events(start(), ...hello, {
      type: "message_delta",
      delta: { stop_reason: "end_turn" },
      usage: { output_tokens: 5 },
    }, stop),
    expected: text,
  },
  {
    name: "a reason of another protocol",
    body: events(start(), ...hello, end("stop"), stop),
    expected: text,
  },
  {
    name: "a length of another protocol",
    body: events(start(), ...hello, end("length"), stop),
    expected: { ...text, stop: "max_tokens" },
  },
  {
    name: "calls of another protocol",
    body: events(start(), ...weather(0), end("tool_calls"), stop),
    expected: tools,
  },
  {
    name: "an unknown event",
    body: events(start(), { type: "weather_report", sky: "blue" }, ...hello, end(), stop),
    expected: text,
  },
  {
    name: "an unknown piece of a text",
    body: events(
      start(),
      open(0),
      delta(0, { type: "colour_delta", colour: "blue" }),
      say(0, "Hello world"),
      shut(0),
      end(),
      stop,
    ),
    expected: text,
  },
  // Failures.
  { name: "no reason", body: events(start(), ...hello, stop), expected: "fails" },
  { name: "a reason that is null", body: events(start(), ...hello, end(null), stop), expected: "fails" },
  { name: "no beginning", body: events(...hello, end(), stop), expected: "fails" },
  { name: "only the beginning", body: events(start()), expected: "fails" },
  { name: "cut inside a block", body: events(start(), open(0), say(0, "Hello")), expected: "fails" },
  { name: "cut after a block", body: events(start(), ...hello), expected: "fails" },
  {
    name: "cut in the middle of an event",
    body: events(start(), open(0)) + 'event: content_block_delta\ndata: {"type":"content_blo',
    expected: "fails",
  },
  { name: "nothing at all", body: "", expected: "fails" },
  {
    name: "an error first",
    body: events({ type: "error", error: { type: "overloaded_error", message: "Overloaded" } }),
    expected: "fails",
  },
  {
    name: "an error in the middle",
    body: events(start(), open(0), say(0, "Hello"), {
      type: "error",
      error: { type: "overloaded_error", message: "Overloaded" },
    }),
    expected: "fails",
  },
  {
    name: "an error without the event's name",
    body: events(
      start(),
      open(0),
      say(0, "Hello"),
      'data: {"type":"error","error":{"type":"api_error","message":"Overloaded"}}\n\n',
    ),
    expected: "fails",
  },
  {
    name: "an error in the other protocol's words",
    body: events(
      start(),
      open(0),
      say(0, "Hello"),
      'data: {"error":{"message":"Overloaded","code":503}}\n\n',
    ),
    expected: "fails",
  },
  {
    name: "an event without type",
    body: events(start(), open(0), 'data: {"index":0}\n\n', say(0, "Hello world"), shut(0), end(), stop),
    expected: "fails",
  },
  {
    name: "data that is not JSON",
    body: events(start(), open(0), say(0, "Hello"), "data: {oops\n\n"),
    expected: "fails",
  },
  {
    name: "data that is no object",
    body: events(start(), open(0), say(0, "Hello"), "data: 7\n\n"),
    expected: "fails",
  },
  { name: "an HTML page", body: "<html>\n\n<body>502</body></html>", expected: "fails" },
];
