import { describe, expect, test } from "bun:test";
import { decodeCall, planCalls } from "./embed.ts";

const plan = { texts: ["a", "b"], dimensions: 256, taskType: "RETRIEVAL_QUERY", title: undefined };

describe("embeddings of Vertex AI", () => {
  test("older models take many texts at once", () => {
    const calls = planCalls({ model: "text-embedding-005", input: ["a", "b"] }, plan);
    expect(calls).toEqual([{
      method: "predict",
      body: {
        instances: [{ content: "a", task_type: "RETRIEVAL_QUERY" }, {
          content: "b",
          task_type: "RETRIEVAL_QUERY",
        }],
        parameters: { autoTruncate: false, outputDimensionality: 256 },
      },
    }]);
    const answer = {
      predictions: [
        { embeddings: { values: [1, 0], statistics: { token_count: 2, truncated: false } } },
        { embeddings: { values: [0, 1], statistics: { token_count: 3, truncated: false } } },
      ],
    };
    expect(decodeCall(calls[0]!, answer)).toEqual({ vectors: [[1, 0], [0, 1]], tokens: 5 });
    expect(() => decodeCall(calls[0]!, {})).toThrow("no predictions");
  });

  test("newer ones take one, by another method", () => {
    expect(planCalls({ model: "gemini-embedding-001", input: [] }, plan)).toHaveLength(2);
    const calls = planCalls({ model: "gemini-embedding-2", input: [] }, plan);
    expect(calls[1]).toEqual({
      method: "embedContent",
      body: {
        content: { parts: [{ text: "b" }] },
        embedContentConfig: { taskType: "RETRIEVAL_QUERY", outputDimensionality: 256, autoTruncate: false },
      },
    });
    const answer = { embedding: { values: [1, 0] }, usageMetadata: { promptTokenCount: 4 } };
    expect(decodeCall(calls[0]!, answer)).toEqual({ vectors: [[1, 0]], tokens: 4 });
  });
});
