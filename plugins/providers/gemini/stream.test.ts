import { describe, expect, test } from "bun:test";
import type { ChatCompletionChunk } from "intellirouter/plugin";
import { AnswerDecoder } from "./stream.ts";

const context = { requestId: "req_1", created: 1, model: "m", reportLoss: () => {} };

function piece(parts: readonly object[], finishReason?: string, more: object = {}) {
  return { candidates: [{ content: { parts, role: "model" }, finishReason, index: 0 }], ...more };
}

function decode(events: readonly Record<string, unknown>[]): ChatCompletionChunk[] {
  const decoder = new AnswerDecoder(context);
  const out: ChatCompletionChunk[] = [];
  for (const event of events) decoder.push(event, out);
  decoder.finish(out);
  return out;
}

describe("AnswerDecoder", () => {
  test("tells the end once, also when every piece says STOP", () => {
    const chunks = decode([piece([{ text: "a" }], "STOP"), piece([{ text: "b" }], "STOP")]);
    expect(chunks.map(({ choices }) => choices[0]?.finish_reason)).toEqual([null, null, "stop"]);
  });

  test("keeps MAX_TOKENS where a call was begun", () => {
    const call = { functionCall: { name: "f", args: {} } };
    expect(decode([piece([call]), piece([], "MAX_TOKENS")]).at(-1)!.choices[0]!.finish_reason).toBe("length");
    expect(decode([piece([call]), piece([], "STOP")]).at(-1)!.choices[0]!.finish_reason).toBe("tool_calls");
  });

  test("numbers thoughts that something else stands between apart", () => {
    const chunks = decode([
      piece([{ text: "one", thought: true }]),
      piece([{ text: "two", thought: true }]),
      piece([{ text: "said" }]),
      piece([{ text: "three", thought: true }], "STOP"),
    ]);
    const details = chunks.flatMap(({ choices }) => choices[0]?.delta.reasoning_details ?? []);
    expect(details).toMatchObject([{ text: "one", index: 0 }, { text: "two", index: 0 }, {
      text: "three",
      index: 1,
    }]);
  });

  test("counts with the last usage, in a piece of its own", () => {
    const chunks = decode([
      piece([{ text: "a" }], undefined, { usageMetadata: { promptTokenCount: 3 } }),
      piece([], "STOP", {
        usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 2, thoughtsTokenCount: 4 },
      }),
    ]);
    expect(chunks.at(-1)).toMatchObject({
      choices: [],
      usage: { prompt_tokens: 3, completion_tokens: 6, total_tokens: 9 },
    });
  });

  test("is not whole without a reason for its end, or without any answer", () => {
    expect(() => decode([piece([{ text: "a" }])])).toThrow("in the middle");
    expect(() => decode([])).toThrow("in the middle");
    expect(() => decode([{ usageMetadata: {} }])).toThrow("in the middle");
  });
});
