import { expect, test } from "bun:test";
import type { CompletionChunk } from "../../schema/completion.ts";
import { UpstreamError } from "../../plugin/api/upstream-error.ts";
import { CompletionChunkNormaliser, normaliseCompletion } from "./completion.ts";

const options = {
  includeUsage: false,
  forcedModel: undefined,
  fallbackId: "req_1",
  fallbackModel: "m",
  created: 1_700_000_000,
};

function chunk(text: unknown, finish: unknown = null, extra: object = {}): object {
  return {
    id: "cmpl-1",
    object: "text_completion",
    created: 1_700_000_000,
    model: "m",
    choices: [{ text, index: 0, logprobs: null, finish_reason: finish }],
    ...extra,
  };
}

function run(
  given: readonly { readonly chunk: unknown; readonly text?: string }[],
  changes: object = {},
): string[] {
  const normaliser = new CompletionChunkNormaliser({ ...options, ...changes });
  const out: string[] = [];
  for (const frame of given) normaliser.push(frame as { chunk: CompletionChunk; text?: string }, out);
  normaliser.finish(out);
  return out;
}

const frame = (value: object) => ({ chunk: value, text: ` ${JSON.stringify(value)}` });

test("faultless pieces pass as the very text that they came in", () => {
  const frames = [frame(chunk("a")), frame(chunk("b")), frame(chunk("", "stop"))];
  expect(run(frames)).toEqual(frames.map(({ text }) => text));
});

test("only the faulty piece is written anew", () => {
  const frames = [
    frame(chunk("a")),
    frame(chunk("b", "", { id: "other", error: null })),
    frame(chunk("", "eos")),
  ];
  const out = run(frames);
  expect(out[0]).toBe(frames[0]!.text);
  expect(JSON.parse(out[1]!)).toEqual(chunk("b"));
  expect(JSON.parse(out[2]!)).toEqual(chunk("", "stop"));
});

test("the model that the operator wants named is in every piece", () => {
  const out = run([frame(chunk("a")), frame(chunk("", "stop"))], { forcedModel: "fast" });
  expect(out.map((text) => JSON.parse(text).model)).toEqual(["fast", "fast"]);
});

test("usage in the pieces is hidden from those who did not ask", () => {
  const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
  const frames = [frame(chunk("a", null, { usage })), frame(chunk("", "stop", { usage }))];
  expect(run(frames).map((text) => JSON.parse(text).usage)).toEqual([undefined, undefined]);
  expect(run(frames, { includeUsage: true }).map((text) => JSON.parse(text).usage)).toEqual([
    undefined,
    undefined,
    usage,
  ]);
});

test("a choice that is nothing is passed over in a stream, and is no answer as a whole", () => {
  expect(run([frame(chunk("a", "stop")), { chunk: { ...chunk(""), choices: [null] } }])).toHaveLength(1);
  expect(() => normaliseCompletion({ choices: [null] }, options)).toThrow(UpstreamError);
});

test("an empty error is none, any other ends the stream", () => {
  expect(run([frame(chunk("a", "stop", { error: "" }))])).toHaveLength(1);
  expect(() => run([frame(chunk("a", "stop", { error: "gone" }))])).toThrow(UpstreamError);
});
