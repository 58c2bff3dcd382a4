/**
 * The ways in which backends break the streaming protocol (wire facts §2 and §3.3), each as the bytes that they send and
 * what a client must nevertheless get.
 */
export interface StreamMutation {
  readonly name: string;
  /** The whole body of the response. */
  readonly body: string;
  /** What must come out; `fails` when the answer must not pass for a whole one. */
  readonly expected: {
    readonly content?: string;
    readonly reasoning?: string;
    readonly calls?: readonly ExpectedCall[];
    readonly finish: string;
  } | "fails";
}

export interface ExpectedCall {
  readonly name: string;
  readonly arguments: string;
}

type Loose = Record<string, unknown>;

const head = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1_700_000_000, model: "m" };

export function piece(delta: unknown, finish: unknown = null, extra: Loose = {}, choice: Loose = {}): Loose {
  return {
    ...head,
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish, ...choice }],
    ...extra,
  };
}

export function sse(...events: (Loose | string)[]): string {
  return events.map((event) => typeof event === "string" ? event : `data: ${JSON.stringify(event)}\n\n`).join(
    "",
  );
}

const done = "data: [DONE]\n\n";
const role = piece({ role: "assistant", content: "" });
const hello = piece({ content: "Hello" });
const world = piece({ content: " world" });
const stop = piece({}, "stop");
const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
const text = { content: "Hello world", finish: "stop" } as const;
const plain = [role, hello, world, stop];
const call = (index: unknown, id: unknown, name: unknown, args: unknown, more: Loose = {}): Loose => ({
  ...(index === undefined ? {} : { index }),
  ...(id === undefined ? {} : { id }),
  type: "function",
  function: { ...(name === undefined ? {} : { name }), ...(args === undefined ? {} : { arguments: args }) },
  ...more,
});
const calls = (...list: Loose[]): Loose => piece({ tool_calls: list });
const oslo = [{ name: "weather", arguments: '{"city":"Oslo"}' }];
const both = [...oslo, { name: "time", arguments: '{"zone":1}' }];
const opened = piece({ role: "assistant", content: null });
const toolEnd = piece({}, "tool_calls");
const tools = { calls: oslo, finish: "tool_calls" };

function each(list: readonly Loose[], change: (event: Loose, index: number) => Loose): Loose[] {
  return list.map((event, index) => change(structuredClone(event), index));
}

function inChoice(event: Loose, change: (choice: Loose) => void): Loose {
  for (const choice of event.choices as Loose[]) change(choice);
  return event;
}

export const streamMutations: readonly StreamMutation[] = [
  { name: "faultless", body: sse(...plain, done), expected: text },
  // Framing.
  {
    name: "comments between events",
    body: sse(": OPENROUTER PROCESSING\n\n", role, ": ping - 2026\n\n", hello, ":\n\n", world, stop, done),
    expected: text,
  },
  { name: "CRLF line ends", body: sse(...plain, done).replaceAll("\n", "\r\n"), expected: text },
  { name: "CR line ends", body: sse(...plain, done).replaceAll("\n", "\r"), expected: text },
  { name: "no space after data:", body: sse(...plain, done).replaceAll("data: ", "data:"), expected: text },
  { name: "a byte order mark", body: `\ufeff${sse(...plain, done)}`, expected: text },
  {
    name: "an event over several data lines",
    body: sse(
      role,
      `data: ${JSON.stringify(hello, null, 1).replaceAll("\n", "\ndata: ")}\n\n`,
      world,
      stop,
      done,
    ),
    expected: text,
  },
  {
    name: "event: message on each",
    body: sse(...plain, done).replaceAll("data: ", "event: message\ndata: "),
    expected: text,
  },
  {
    name: "id: and retry: fields",
    body: sse(...plain, done).replaceAll("data: ", "id: 7\nretry: 100\ndata: "),
    expected: text,
  },
  {
    name: "event: ping without data",
    body: sse(role, "event: ping\n\n", hello, world, stop, done),
    expected: text,
  },
  {
    name: "event: keepalive with JSON",
    body: sse(role, 'event: keepalive\ndata: {"type":"keepalive"}\n\n', hello, world, stop, done),
    expected: text,
  },
  {
    name: "empty data",
    body: sse(role, "data: \n\n", "data:\n\n", hello, world, stop, done),
    expected: text,
  },
  { name: "the last event without a blank line", body: sse(...plain, done).trimEnd(), expected: text },
  { name: "no [DONE]", body: sse(...plain), expected: text },
  { name: "something after [DONE]", body: sse(...plain, done, hello), expected: text },
  // Heads.
  {
    name: "choices null in a usage chunk",
    body: sse(...plain, { ...head, choices: null, usage }, done),
    expected: text,
  },
  { name: "choices missing in a usage chunk", body: sse(...plain, { ...head, usage }, done), expected: text },
  {
    name: "usage in the last piece",
    body: sse(role, hello, world, piece({}, "stop", { usage }), done),
    expected: text,
  },
  {
    name: "usage in every piece",
    body: sse(...each(plain, (event) => ({ ...event, usage })), done),
    expected: text,
  },
  {
    name: "usage: null in every piece",
    body: sse(...each(plain, (event) => ({ ...event, usage: null })), done),
    expected: text,
  },
  {
    name: "usage in a field of its own",
    body: sse(role, hello, world, piece({}, "stop", { x_vendor: { usage } }), done),
    expected: text,
  },
  {
    name: "usage without a total, as texts",
    body: sse(
      ...plain,
      { ...head, choices: [], usage: { prompt_tokens: "3", completion_tokens: "2" } },
      done,
    ),
    expected: text,
  },
  { name: "empty usage", body: sse(...plain, { ...head, choices: [], usage: {} }, done), expected: text },
  {
    name: "error: null in every piece",
    body: sse(...each(plain, (event) => ({ ...event, error: null })), done),
    expected: text,
  },
  {
    name: "no id, created, model or object",
    body: sse(...each(plain, ({ choices }) => ({ choices })), done),
    expected: text,
  },
  {
    name: "empty id and model",
    body: sse(...each(plain, (event) => ({ ...event, id: "", model: "" })), done),
    expected: text,
  },
  {
    name: "another id and time in each piece",
    body: sse(...each(plain, (event, index) => ({ ...event, id: `c${index}`, created: index })), done),
    expected: text,
  },
  {
    name: "created as a fraction",
    body: sse(...each(plain, (event) => ({ ...event, created: 1.5 })), done),
    expected: text,
  },
  {
    name: "object of the whole answer",
    body: sse(...each(plain, (event) => ({ ...event, object: "chat.completion" })), done),
    expected: text,
  },
  {
    name: "a prompt filter result first",
    body: sse(
      { id: "", object: "", created: 0, model: "", choices: [], prompt_filter_results: [{}] },
      ...plain,
      done,
    ),
    expected: text,
  },
  {
    name: "a filter result without delta",
    body: sse(
      role,
      hello,
      { ...head, choices: [{ index: 0, finish_reason: null, content_filter_offsets: {} }] },
      world,
      stop,
      done,
    ),
    expected: text,
  },
  {
    name: "a service tier of its own",
    body: sse(...each(plain, (event) => ({ ...event, service_tier: "on_demand" })), done),
    expected: text,
  },
  // Choices.
  {
    name: "index missing",
    body: sse(...each(plain, (event) => inChoice(event, (choice) => delete choice.index)), done),
    expected: text,
  },
  { name: "delta null at the end", body: sse(role, hello, world, piece(null, "stop"), done), expected: text },
  {
    name: "delta missing at the end",
    body: sse(role, hello, world, { ...head, choices: [{ index: 0, finish_reason: "stop" }] }, done),
    expected: text,
  },
  {
    name: "finish_reason missing in pieces",
    body: sse(
      ...each([role, hello, world], (event) => inChoice(event, (choice) => delete choice.finish_reason)),
      stop,
      done,
    ),
    expected: text,
  },
  {
    name: "finish_reason empty in pieces",
    body: sse(
      ...each([role, hello, world], (event) => inChoice(event, (choice) => (choice.finish_reason = ""))),
      stop,
      done,
    ),
    expected: text,
  },
  { name: "finish_reason twice", body: sse(...plain, stop, done), expected: text },
  {
    name: "content after the end",
    body: sse(...plain, piece({ content: " and more" }), done),
    expected: text,
  },
  {
    name: "a finish_reason of another protocol",
    body: sse(role, hello, world, piece({}, "end_turn"), done),
    expected: text,
  },
  {
    name: "a length of another protocol",
    body: sse(role, hello, world, piece({}, "MAX_TOKENS"), done),
    expected: { content: "Hello world", finish: "length" },
  },
  {
    name: "an unknown finish_reason",
    body: sse(role, hello, world, piece({}, "because"), done),
    expected: text,
  },
  { name: "role never sent", body: sse(hello, world, stop, done), expected: text },
  {
    name: "role empty",
    body: sse(piece({ role: "", content: "" }), hello, world, stop, done),
    expected: text,
  },
  {
    name: "role in every piece",
    body: sse(
      ...each(plain, (event) => inChoice(event, (choice) => ((choice.delta as Loose).role = "assistant"))),
      done,
    ),
    expected: text,
  },
  {
    name: "content as a list of parts",
    body: sse(
      role,
      piece({ content: [{ type: "thinking", thinking: [{ type: "text", text: "Hm." }] }] }),
      piece({ content: [{ type: "text", text: "Hello world" }] }),
      stop,
      done,
    ),
    expected: { ...text, reasoning: "Hm." },
  },
  {
    name: "reasoning under its new name",
    body: sse(role, piece({ reasoning: "Hm." }), hello, world, stop, done),
    expected: { ...text, reasoning: "Hm." },
  },
  {
    name: "reasoning under its old name",
    body: sse(role, piece({ reasoning_content: "Hm." }), hello, world, stop, done),
    expected: { ...text, reasoning: "Hm." },
  },
  // Tool calls.
  {
    name: "a faultless tool call",
    body: sse(
      opened,
      calls(call(0, "c1", "weather", "")),
      piece({ tool_calls: [{ index: 0, function: { arguments: '{"city":"Oslo"}' } }] }),
      toolEnd,
      done,
    ),
    expected: tools,
  },
  {
    name: "a whole tool call in one piece, with stop",
    body: sse(opened, calls(call(0, "c1", "weather", '{"city":"Oslo"}')), stop, done),
    expected: tools,
  },
  {
    name: "a tool call and its end in one piece",
    body: sse(opened, piece({ tool_calls: [call(0, "c1", "weather", '{"city":"Oslo"}')] }, "stop"), done),
    expected: tools,
  },
  {
    name: "tool index missing",
    body: sse(
      opened,
      calls(call(undefined, "c1", "weather", '{"city":')),
      calls(call(undefined, undefined, undefined, '"Oslo"}')),
      toolEnd,
      done,
    ),
    expected: tools,
  },
  {
    name: "every tool index 0",
    body: sse(
      opened,
      calls(call(0, "c1", "weather", '{"city":"Oslo"}')),
      calls(call(0, "c2", "time", '{"zone":1}')),
      toolEnd,
      done,
    ),
    expected: { calls: both, finish: "tool_calls" },
  },
  {
    name: "tool index starting at 1",
    body: sse(
      opened,
      calls(call(1, "c1", "weather", "")),
      calls(call(1, undefined, undefined, '{"city":"Oslo"}')),
      calls(call(2, "c2", "time", '{"zone":1}')),
      toolEnd,
      done,
    ),
    expected: { calls: both, finish: "tool_calls" },
  },
  {
    name: "tool type missing",
    body: sse(
      opened,
      calls({ index: 0, id: "c1", function: { name: "weather", arguments: '{"city":"Oslo"}' } }),
      toolEnd,
      done,
    ),
    expected: tools,
  },
  {
    name: "tool id missing",
    body: sse(opened, calls(call(0, undefined, "weather", '{"city":"Oslo"}')), toolEnd, done),
    expected: tools,
  },
  {
    name: "tool id null in later pieces",
    body: sse(
      opened,
      calls(call(0, "c1", "weather", '{"city":')),
      calls(call(0, null, null, '"Oslo"}')),
      toolEnd,
      done,
    ),
    expected: tools,
  },
  {
    name: "id, type and name in every piece",
    body: sse(
      opened,
      calls(call(0, "c1", "weather", '{"city":')),
      calls(call(0, "c1", "weather", '"Oslo"}')),
      toolEnd,
      done,
    ),
    expected: tools,
  },
  {
    name: "type and an empty name in every piece",
    body: sse(
      opened,
      calls(call(0, "c1", "weather", '{"city":')),
      calls(call(0, undefined, "", '"Oslo"}')),
      toolEnd,
      done,
    ),
    expected: tools,
  },
  {
    name: "arguments as an object",
    body: sse(opened, calls(call(0, "c1", "weather", { city: "Oslo" })), toolEnd, done),
    expected: tools,
  },
  {
    name: "a call without arguments",
    body: sse(opened, calls(call(0, "c1", "now", "")), toolEnd, done),
    expected: { calls: [{ name: "now", arguments: "{}" }], finish: "tool_calls" },
  },
  {
    name: "arguments missing",
    body: sse(opened, calls(call(0, "c1", "now", undefined)), toolEnd, done),
    expected: { calls: [{ name: "now", arguments: "{}" }], finish: "tool_calls" },
  },
  {
    name: "tool_calls null and empty in pieces",
    body: sse(
      role,
      piece({ content: "Hello", tool_calls: null }),
      piece({ content: " world", tool_calls: [] }),
      stop,
      done,
    ),
    expected: text,
  },
  {
    name: "text before a call, and its length reached",
    body: sse(role, hello, calls(call(0, "c1", "weather", '{"ci')), piece({}, "length"), done),
    expected: { content: "Hello", calls: [{ name: "weather", arguments: '{"ci' }], finish: "length" },
  },
  // Failures.
  { name: "finish_reason never sent", body: sse(role, hello, done), expected: "fails" },
  {
    name: "cut in the middle of an event",
    body: sse(role, hello) + 'data: {"id":"chatcmpl-1","obj',
    expected: "fails",
  },
  { name: "nothing at all", body: "", expected: "fails" },
  { name: "only [DONE]", body: done, expected: "fails" },
  {
    name: "an error as an object",
    body: sse(role, hello, { error: { message: "Overloaded", type: "overloaded_error", code: 503 } }, done),
    expected: "fails",
  },
  { name: "an error as a text", body: sse(role, hello, { error: "Overloaded" }, done), expected: "fails" },
  {
    name: "an error in a list",
    body: sse(role, hello, 'data: [{"error":{"message":"Overloaded","code":503}}]\n\n'),
    expected: "fails",
  },
  {
    name: "an error in the choice",
    body: sse(role, hello, piece({}, "error", {}, { error: { message: "Overloaded" } }), done),
    expected: "fails",
  },
  {
    name: "an error event",
    body: sse(role, hello, 'event: error\ndata: {"message":"Overloaded"}\n\n'),
    expected: "fails",
  },
  {
    name: "an error field of its own",
    body: sse(role, hello, 'error: {"code":500,"message":"Overloaded"}\n\n'),
    expected: "fails",
  },
  {
    name: "an error beside choices",
    body: sse(role, hello, {
      ...head,
      error: { message: "Overloaded" },
      choices: [{ index: 0, delta: {}, finish_reason: "error" }],
    }, done),
    expected: "fails",
  },
  { name: "data that is not JSON", body: sse(role, hello, "data: {oops\n\n", done), expected: "fails" },
  { name: "data that is no object", body: sse(role, hello, "data: 7\n\n", done), expected: "fails" },
  { name: "an HTML page", body: "<html>\n\n<body>502</body></html>", expected: "fails" },
  {
    name: "a system that ran out of resources",
    body: sse(role, hello, piece({}, "insufficient_system_resource"), done),
    expected: "fails",
  },
];
