import { expect, test } from "bun:test";
import { asResponseEvents, normaliserOptions, turnOf } from "../../../test/support/response-fixtures.ts";
import { checkResponseStream } from "../../../test/support/strict-response-checker.ts";
import { piece, sse } from "../../../test/support/stream-mutations.ts";
import { ApiError } from "../../lib/api-error.ts";
import { ResponseEventEncoder } from "./response-event-encoder.ts";

const start = piece({ role: "assistant", content: "" });
const stop = piece({}, "stop");
const names = (texts: readonly string[]) =>
  texts.map((text) => JSON.parse(text).type.replace("response.", "")) as string[];

test("text is told in the protocol's order", () => {
  const texts = asResponseEvents(sse(start, piece({ content: "Hel" }), piece({ content: "lo" }), stop));
  expect(names(texts)).toEqual([
    "created",
    "in_progress",
    "output_item.added",
    "content_part.added",
    "output_text.delta",
    "output_text.delta",
    "output_text.done",
    "content_part.done",
    "output_item.done",
    "completed",
  ]);
  expect(checkResponseStream(texts)).toMatchObject({ problems: [], text: "Hello", status: "completed" });
});

test("reasoning comes first, in the form that was asked for, and sealed where it must come back", () => {
  const signed = (detail: object) =>
    piece({ reasoning_details: [{ type: "reasoning.text", index: 0, ...detail }] });
  const body = sse(
    start,
    signed({ text: "Hm" }),
    signed({ text: "." }),
    signed({ signature: "sig" }),
    piece({ content: "Hi" }),
    stop,
  );
  const own = asResponseEvents(body);
  expect(names(own).slice(2, 8)).toEqual([
    "output_item.added",
    "content_part.added",
    "reasoning_text.delta",
    "reasoning_text.delta",
    "reasoning_text.done",
    "content_part.done",
  ]);
  const checked = checkResponseStream(own);
  expect(checked).toMatchObject({ problems: [], reasoning: "Hm.", text: "Hi" });
  expect(checked.response.output[0].encrypted_content).toStartWith("ir1.");
  const summary = asResponseEvents(body, turnOf({ reasoning: { summary: "auto" } }));
  expect(names(summary).slice(3, 8)).toEqual([
    "reasoning_summary_part.added",
    "reasoning_summary_text.delta",
    "reasoning_summary_text.delta",
    "reasoning_summary_text.done",
    "reasoning_summary_part.done",
  ]);
  expect(checkResponseStream(summary)).toMatchObject({ problems: [], reasoning: "Hm." });
});

test("a call says its name again when its arguments are whole", () => {
  const call = { index: 0, id: "call_1", type: "function", function: { name: "f", arguments: "" } };
  const texts = asResponseEvents(sse(
    start,
    piece({ tool_calls: [call] }),
    piece({ tool_calls: [{ index: 0, function: { arguments: '{"a":1}' } }] }),
    piece({}, "tool_calls"),
  ));
  expect(names(texts).slice(2)).toEqual([
    "output_item.added",
    "function_call_arguments.delta",
    "function_call_arguments.done",
    "output_item.done",
    "completed",
  ]);
  expect(JSON.parse(texts[4]!)).toMatchObject({ name: "f", arguments: '{"a":1}' });
});

test("a tool with plain text gives its text once it is whole", () => {
  const call = { index: 0, id: "call_1", type: "function", function: { name: "patch", arguments: '{"inp' } };
  const texts = asResponseEvents(
    sse(
      start,
      piece({ tool_calls: [call] }),
      piece({ tool_calls: [{ index: 0, function: { arguments: 'ut":"x"}' } }] }),
      piece({}, "tool_calls"),
    ),
    turnOf({ tools: [{ type: "custom", name: "patch" }] }),
  );
  expect(checkResponseStream(texts)).toMatchObject({
    problems: [],
    calls: [{ type: "custom_tool_call", name: "patch", input: "x" }],
  });
});

test("usage comes with the last event, whole", () => {
  const usage = {
    prompt_tokens: 7,
    completion_tokens: 3,
    total_tokens: 10,
    prompt_tokens_details: { cached_tokens: 5 },
    completion_tokens_details: { reasoning_tokens: 1 },
  };
  const texts = asResponseEvents(
    sse(start, piece({ content: "Hi" }), stop, { ...piece({}), choices: [], usage }),
  );
  expect(JSON.parse(texts[0]!).response.usage).toBeNull();
  expect(JSON.parse(texts.at(-1)!).response.usage).toEqual({
    input_tokens: 7,
    input_tokens_details: { cached_tokens: 5, cache_write_tokens: 0 },
    output_tokens: 3,
    output_tokens_details: { reasoning_tokens: 1 },
    total_tokens: 10,
  });
});

function running() {
  const turn = turnOf();
  const encoder = new ResponseEventEncoder(normaliserOptions, turn);
  const texts: string[] = [];
  const push = (chunk: unknown) => encoder.push({ chunk: chunk as never }, texts);
  return { turn, encoder, texts, push };
}

test("a sign of life is an empty delta of what is open, and has its number", () => {
  const { encoder, texts, push } = running();
  expect(encoder.heartbeat()).toBeUndefined();
  push(start);
  expect(encoder.heartbeat()).toBeUndefined();
  push(piece({ content: "Hi" }));
  texts.push(encoder.heartbeat()!);
  push(
    piece({ tool_calls: [{ index: 0, id: "c", type: "function", function: { name: "f", arguments: "{" } }] }),
  );
  texts.push(encoder.heartbeat()!);
  push(piece({ tool_calls: [{ index: 0, function: { arguments: "}" } }] }));
  push(piece({}, "tool_calls"));
  encoder.finish(texts);
  expect(encoder.heartbeat()).toBeUndefined();
  expect(checkResponseStream(texts)).toMatchObject({ problems: [], text: "Hi", calls: [{ input: "{}" }] });
});

test("a failure has what came before it, its code, and nothing after it; it is no answer to keep", () => {
  for (
    const [status, code] of [[502, "server_error"], [429, "rate_limit_exceeded"], [
      400,
      "invalid_prompt",
    ]] as const
  ) {
    const { turn, encoder, texts, push } = running();
    push(start);
    push(piece({ content: "Half" }));
    texts.push(...encoder.fail(new ApiError({ status, message: "It fell over." })));
    const checked = checkResponseStream(texts);
    expect(checked).toMatchObject({ problems: [], status: "failed", text: "Half" });
    expect(checked.response.error).toEqual({ code, message: "It fell over." });
    expect(encoder.fail(new ApiError({ status, message: "Again." }))).toEqual([]);
    expect(turn.response).toBeUndefined();
  }
});
