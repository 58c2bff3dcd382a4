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
  { name: "blank lines before the first event", body: `\n\n\n${sse(...plain, done)}`, expected: text },
  {
    name: "a field that nobody knows",
    body: sse(...plain, done).replaceAll("data: ", "shard: 3\ndata: "),
    expected: text,
  },
  {
    name: "a comment inside an event",
    body: sse(role, `event: message\n: still here\ndata: ${JSON.stringify(hello)}\n\n`, world, stop, done),
    expected: text,
  },
  { name: "a space after [DONE]", body: sse(...plain, "data: [DONE] \n\n"), expected: text },
  { name: "[DONE] as an event of its own", body: sse(...plain, `event: done\n${done}`), expected: text },
  {
    name: "line separators inside a text",
    body: sse(
      role,
      piece({ content: "Hello\u2028\u2029\u0085" }),
      piece({ content: "\u000b\u000c world" }),
      stop,
      done,
    ),
    expected: { content: "Hello\u2028\u2029\u0085\u000b\u000c world", finish: "stop" },
  },
  {
    name: "control characters inside a text",
    body: sse(role, piece({ content: "Hello\u0000\u001b[1m" }), world, stop, done),
    expected: { content: "Hello\u0000\u001b[1m world", finish: "stop" },
  },
  {
    name: "a character torn in two",
    body: sse(role, piece({ content: "Hello \ud83d" }), piece({ content: "\ude00 world" }), stop, done),
    expected: { content: "Hello \u{1F600} world", finish: "stop" },
  },
  {
    name: "half a character alone",
    body: sse(role, piece({ content: "Hello\ud83d" }), world, stop, done),
    expected: { content: "Hello\ufffd world", finish: "stop" },
  },
  {
    name: "half a character at the very end",
    body: sse(role, hello, piece({ content: " world\ud83d" }), stop, done),
    expected: { content: "Hello world\ufffd", finish: "stop" },
  },
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
  {
    name: "created in milliseconds",
    body: sse(...each(plain, (event) => ({ ...event, created: 1_700_000_000_000 })), done),
    expected: text,
  },
  {
    name: "created as a text",
    body: sse(...each(plain, (event) => ({ ...event, created: "2026-11-01T00:00:00Z" })), done),
    expected: text,
  },
  {
    name: "id and model as numbers",
    body: sse(...each(plain, (event) => ({ ...event, id: 7, model: 7 })), done),
    expected: text,
  },
  {
    name: "a fingerprint that is no text",
    body: sse(...each(plain, (event) => ({ ...event, system_fingerprint: 7 })), done),
    expected: text,
  },
  {
    name: "details of usage null",
    body: sse(
      ...plain,
      {
        ...head,
        choices: [],
        usage: { ...usage, prompt_tokens_details: null, completion_tokens_details: null },
      },
      done,
    ),
    expected: text,
  },
  {
    name: "details of usage as texts, fractions and lists",
    body: sse(
      ...plain,
      {
        ...head,
        choices: [],
        usage: {
          ...usage,
          prompt_tokens_details: { cached_tokens: "2", audio_tokens: null },
          completion_tokens_details: { reasoning_tokens: 1.5, accepted_prediction_tokens: -1 },
        },
      },
      done,
    ),
    expected: text,
  },
  {
    name: "details of usage as empty lists",
    body: sse(
      ...plain,
      { ...head, choices: [], usage: { ...usage, prompt_tokens_details: [], completion_tokens_details: [] } },
      done,
    ),
    expected: text,
  },
  {
    name: "usage with fractions",
    body: sse(
      ...plain,
      { ...head, choices: [], usage: { prompt_tokens: 3.0, completion_tokens: 1.6, total_tokens: 4.6 } },
      done,
    ),
    expected: text,
  },
  {
    name: "negative usage",
    body: sse(
      ...plain,
      { ...head, choices: [], usage: { prompt_tokens: -1, completion_tokens: -1, total_tokens: -2 } },
      done,
    ),
    expected: text,
  },
  {
    name: "usage as an empty list in pieces",
    body: sse(...each(plain, (event) => ({ ...event, usage: [] })), done),
    expected: text,
  },
  {
    name: "error as an empty list in pieces",
    body: sse(...each(plain, (event) => ({ ...event, error: [] })), done),
    expected: text,
  },
  {
    name: "a service tier that is no text",
    body: sse(...each(plain, (event) => ({ ...event, service_tier: 1 })), done),
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
  {
    name: "index as a text",
    body: sse(...each(plain, (event) => inChoice(event, (choice) => (choice.index = "0"))), done),
    expected: text,
  },
  {
    name: "a negative index",
    body: sse(...each(plain, (event) => inChoice(event, (choice) => (choice.index = -1))), done),
    expected: text,
  },
  {
    name: "a choice that is null",
    body: sse(role, { ...head, choices: [null] }, hello, world, stop, done),
    expected: text,
  },
  {
    name: "delta as an empty list at the end",
    body: sse(role, hello, world, piece([], "stop"), done),
    expected: text,
  },
  {
    name: "everything in one piece",
    body: sse(piece({ role: "assistant", content: "Hello world" }, "stop"), done),
    expected: text,
  },
  {
    name: "a whole answer instead of pieces",
    body: sse(
      {
        ...head,
        object: "chat.completion",
        choices: [{
          index: 0,
          message: { role: "assistant", content: "Hello world" },
          finish_reason: "stop",
        }],
        usage,
      },
      done,
    ),
    expected: text,
  },
  {
    name: "a whole answer with a call instead of pieces",
    body: sse(
      {
        ...head,
        object: "chat.completion",
        choices: [{
          index: 0,
          message: {
            role: "assistant",
            content: null,
            tool_calls: [
              { id: "c1", type: "function", function: oslo[0] },
              { id: "c2", type: "function", function: both[1] },
            ],
          },
          finish_reason: "tool_calls",
        }],
      },
      done,
    ),
    expected: { calls: both, finish: "tool_calls" },
  },
  {
    name: "the whole answer again at the end",
    body: sse(
      role,
      hello,
      world,
      {
        ...head,
        object: "chat.completion",
        choices: [{
          index: 0,
          message: { role: "assistant", content: "Hello world" },
          finish_reason: "stop",
        }],
        usage,
      },
      done,
    ),
    expected: text,
  },
  {
    name: "the whole answer again beside an empty delta",
    body: sse(
      role,
      hello,
      world,
      piece({}, "stop", {}, { message: { role: "assistant", content: "Hello world" } }),
      done,
    ),
    expected: text,
  },
  {
    name: "logprobs without alternatives",
    body: sse(
      role,
      hello,
      piece({ content: " world" }, null, {}, { logprobs: { content: [{ token: " world", logprob: -0.1 }] } }),
      stop,
      done,
    ),
    expected: text,
  },
  {
    name: "logprobs of another endpoint",
    body: sse(
      role,
      hello,
      piece({ content: " world" }, null, {}, {
        logprobs: {
          tokens: [" world"],
          token_logprobs: [-0.1],
          top_logprobs: [{ " world": -0.1 }],
          text_offset: [0],
        },
      }),
      stop,
      done,
    ),
    expected: text,
  },
  {
    name: "logprobs as an empty list",
    body: sse(...each(plain, (event) => inChoice(event, (choice) => (choice.logprobs = []))), done),
    expected: text,
  },
  {
    name: "annotations without titles",
    body: sse(
      role,
      hello,
      world,
      piece({ annotations: [{ type: "url_citation", url_citation: { url: "https://example.com" } }] }),
      stop,
      done,
    ),
    expected: text,
  },
  {
    name: "annotations null and empty",
    body: sse(
      role,
      piece({ content: "Hello", annotations: null }),
      piece({ content: " world", annotations: [] }),
      stop,
      done,
    ),
    expected: text,
  },
  {
    name: "refusal, audio and function_call null in pieces",
    body: sse(
      ...each(
        plain,
        (event) =>
          inChoice(
            event,
            (choice) =>
              Object.assign(choice.delta as Loose, { refusal: null, audio: null, function_call: null }),
          ),
      ),
      done,
    ),
    expected: text,
  },
  {
    name: "an empty refusal in pieces",
    body: sse(
      ...each(plain, (event) => inChoice(event, (choice) => ((choice.delta as Loose).refusal = ""))),
      done,
    ),
    expected: text,
  },
  {
    name: "a refusal that is no text",
    body: sse(
      ...each(plain, (event) => inChoice(event, (choice) => ((choice.delta as Loose).refusal = false))),
      done,
    ),
    expected: text,
  },
  {
    name: "content null in pieces",
    body: sse(role, hello, piece({ content: null }), world, stop, done),
    expected: text,
  },
  {
    name: "content as a number",
    body: sse(role, hello, piece({ content: 42 }), stop, done),
    expected: { content: "Hello42", finish: "stop" },
  },
  {
    name: "reasoning as an object",
    body: sse(role, piece({ reasoning: { content: "Hm." } }), hello, world, stop, done),
    expected: text,
  },
  {
    name: "reasoning that is null and empty",
    body: sse(role, piece({ content: "Hello", reasoning: null, reasoning_content: "" }), world, stop, done),
    expected: text,
  },
  { name: "calls announced that never come", body: sse(role, hello, world, toolEnd, done), expected: text },
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
  {
    name: "pieces of two calls by turns",
    body: sse(
      opened,
      calls(call(0, "c1", "weather", '{"city":'), call(1, "c2", "time", '{"zo')),
      calls({ index: 0, function: { arguments: '"Oslo"' } }, { index: 1, function: { arguments: 'ne":1' } }),
      calls({ index: 1, function: { arguments: "}" } }),
      calls({ index: 0, function: { arguments: "}" } }),
      toolEnd,
      done,
    ),
    expected: { calls: both, finish: "tool_calls" },
  },
  {
    name: "the second call first",
    body: sse(
      opened,
      calls(call(1, "c2", "time", '{"zone":1}')),
      calls(call(0, "c1", "weather", '{"city":"Oslo"}')),
      toolEnd,
      done,
    ),
    expected: { calls: both.toReversed(), finish: "tool_calls" },
  },
  {
    name: "tool index as a text",
    body: sse(
      opened,
      calls(call("0", "c1", "weather", '{"city":')),
      calls({ index: "0", function: { arguments: '"Oslo"}' } }),
      toolEnd,
      done,
    ),
    expected: tools,
  },
  {
    name: "arguments before the name",
    body: sse(
      opened,
      calls({ index: 0, id: "c1", function: { arguments: '{"city":' } }),
      calls(call(0, undefined, "weather", '"Oslo"}')),
      toolEnd,
      done,
    ),
    expected: tools,
  },
  {
    name: "function null in a later piece",
    body: sse(
      opened,
      calls(call(0, "c1", "weather", '{"city":"Oslo"}')),
      calls({ index: 0, function: null }),
      toolEnd,
      done,
    ),
    expected: tools,
  },
  {
    name: "tool id as a number",
    body: sse(opened, calls(call(0, 7, "weather", '{"city":"Oslo"}')), toolEnd, done),
    expected: tools,
  },
  {
    name: "tool type empty",
    body: sse(opened, calls(call(0, "c1", "weather", '{"city":"Oslo"}', { type: "" })), toolEnd, done),
    expected: tools,
  },
  {
    name: "arguments null",
    body: sse(opened, calls(call(0, "c1", "now", null)), toolEnd, done),
    expected: { calls: [{ name: "now", arguments: "{}" }], finish: "tool_calls" },
  },
  {
    name: "two calls under one id",
    body: sse(
      opened,
      calls(call(0, "c1", "weather", '{"city":"Oslo"}')),
      calls(call(1, "c1", "time", '{"zone":1}')),
      toolEnd,
      done,
    ),
    expected: { calls: both, finish: "tool_calls" },
  },
  {
    name: "text after a call",
    body: sse(opened, calls(call(0, "c1", "weather", '{"city":"Oslo"}')), hello, world, toolEnd, done),
    expected: { content: "Hello world", calls: oslo, finish: "tool_calls" },
  },
  {
    name: "text between the pieces of a call",
    body: sse(
      opened,
      calls(call(0, "c1", "weather", '{"city":')),
      hello,
      calls({ index: 0, function: { arguments: '"Oslo"}' } }),
      toolEnd,
      done,
    ),
    expected: { content: "Hello", calls: oslo, finish: "tool_calls" },
  },
  {
    name: "a character torn in two in arguments",
    body: sse(
      opened,
      calls(call(0, "c1", "weather", '{"city":"\ud83d')),
      calls({ index: 0, function: { arguments: '\ude00"}' } }),
      toolEnd,
      done,
    ),
    expected: { calls: [{ name: "weather", arguments: '{"city":"\u{1F600}"}' }], finish: "tool_calls" },
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
  {
    name: "an error with a number only",
    body: sse(role, hello, { error: { code: 429 } }, done),
    expected: "fails",
  },
  {
    name: "an error of another framework",
    body: sse(role, hello, { detail: "Internal Server Error" }, done),
    expected: "fails",
  },
  {
    name: "an error without its field",
    body: sse(role, hello, { object: "error", message: "Overloaded", type: "overloaded", code: 503 }, done),
    expected: "fails",
  },
  {
    name: "an error of Anthropic's protocol",
    body: sse(
      role,
      hello,
      'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
    ),
    expected: "fails",
  },
  {
    name: "an error in the middle of a call",
    body: sse(opened, calls(call(0, "c1", "weather", '{"ci')), { error: { message: "Overloaded" } }, done),
    expected: "fails",
  },
  {
    name: "events without a blank line between them",
    body: sse(...plain, done).replaceAll("}\n\n", "}\n"),
    expected: "fails",
  },
  {
    name: "lines of JSON without framing",
    body: plain.map((event) => JSON.stringify(event)).join("\n"),
    expected: "fails",
  },
  { name: "only the role", body: sse(role, done), expected: "fails" },
];
