import { describe, expect, test } from "bun:test";
import type { ChatCompletionChunk } from "intellirouter/plugin";
import { decodeChunk, ThoughtCounter } from "./decode.ts";
import { PrefixFilter } from "./prefix-filter.ts";

function reader() {
  const state = { thoughts: new ThoughtCounter(), prefix: new PrefixFilter("") };
  return (delta: object, more: object = {}) =>
    decodeChunk(
      { id: "x", choices: [{ index: 0, delta, finish_reason: null }], ...more } as never,
      () => state,
    );
}

const thinking = (text: string) => ({
  content: [{ type: "thinking", thinking: [{ type: "text", text }] }],
});

describe("decodeChunk", () => {
  test("a piece that is in OpenAI's form already stays the very same", () => {
    const chunk = {
      id: "x",
      object: "chat.completion.chunk",
      created: 1,
      model: "m",
      choices: [{ index: 0, delta: { content: "Rain" }, finish_reason: null }],
    } satisfies ChatCompletionChunk;
    const state = { thoughts: new ThoughtCounter(), prefix: new PrefixFilter("") };
    expect(decodeChunk(chunk, () => state)).toBe(chunk);
  });

  test("thoughts with something between them are others", () => {
    const read = reader();
    const index = (delta: object) =>
      (read(delta).choices[0]!.delta.reasoning_details as { index: number }[])[0]!.index;
    expect(index(thinking("a"))).toBe(0);
    expect(index(thinking("b"))).toBe(0);
    read({ content: "said" });
    expect(index(thinking("c"))).toBe(1);
  });

  test("the tier that served the request is told in OpenAI's word", () => {
    const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2, service_tier: "standard" };
    expect(reader()({}, { usage })).toMatchObject({ service_tier: "default" });
  });
});
