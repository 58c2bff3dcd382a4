import { describe, expect, test } from "bun:test";
import type { FidelityLoss } from "intellirouter/plugin";
import { loseTo } from "../hub/losses.ts";
import { decodeBatch, encodeBatches, joinBatches, planEmbedding } from "./embed.ts";

const silent = () => {};

describe("embeddings", () => {
  test("a hundred texts at a time, each with what is asked of it", () => {
    const input = Array.from({ length: 150 }, (_each, index) => `text ${index}`);
    const plan = planEmbedding({ model: "e", input, dimensions: 256, task_type: "RETRIEVAL_QUERY" }, silent);
    const bodies = encodeBatches("e", plan) as { requests: unknown[] }[];
    expect(bodies.map(({ requests }) => requests.length)).toEqual([100, 50]);
    expect(bodies[1]!.requests[0]).toEqual({
      model: "models/e",
      content: { parts: [{ text: "text 100" }] },
      taskType: "RETRIEVAL_QUERY",
      outputDimensionality: 256,
    });
  });

  test("tokens are refused, and unknown fields told of", () => {
    expect(() => planEmbedding({ model: "e", input: [1, 2] }, silent)).toThrow("text, not tokens");
    const losses: FidelityLoss[] = [];
    const lose = loseTo((loss) => void losses.push(loss));
    planEmbedding(
      { model: "e", input: "x", user: "u", encoding_format: "base64", late_chunking: true },
      lose,
    );
    expect(losses.map(({ field }) => field)).toEqual(["late_chunking"]);
  });

  test("vectors stay in order, shortened ones get the length one", () => {
    const whole = planEmbedding({ model: "e", input: ["a", "b"] }, silent);
    const batches = [
      decodeBatch({ embeddings: [{ values: [3, 4] }], usageMetadata: { promptTokenCount: 2 } }),
      decodeBatch({ embeddings: [{ values: [1, 0] }], usageMetadata: { promptTokenCount: 3 } }),
    ];
    expect(joinBatches("e", whole, batches)).toMatchObject({
      data: [{ index: 0, embedding: [3, 4] }, { index: 1, embedding: [1, 0] }],
      usage: { prompt_tokens: 5, total_tokens: 5 },
    });
    const short = planEmbedding({ model: "e", input: ["a", "b"], dimensions: 2 }, silent);
    expect(joinBatches("e", short, batches).data[0]!.embedding).toEqual([0.6, 0.8]);
  });

  test("a vector that is missing is an error", () => {
    const plan = planEmbedding({ model: "e", input: ["a", "b"] }, silent);
    expect(() => joinBatches("e", plan, [decodeBatch({ embeddings: [{ values: [1] }] })])).toThrow("2 texts");
    expect(() => decodeBatch({ embeddings: [{}] })).toThrow("no values");
  });
});
