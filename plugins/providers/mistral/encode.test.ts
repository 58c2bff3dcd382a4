import { expect, test } from "bun:test";
import type { FidelityLoss } from "intellirouter/plugin";
import { encodeEmbedding } from "./encode.ts";

test("embeddings are asked for in Mistral's words", () => {
  const losses: FidelityLoss[] = [];
  const body = encodeEmbedding(
    { model: "codestral-embed", input: ["a"], dimensions: 256, encoding_format: "base64", user: "u", foo: 1 },
    (loss) => void losses.push(loss),
  );
  expect(body).toEqual({ model: "codestral-embed", input: ["a"], output_dimension: 256 });
  expect(losses.map(({ field }) => field)).toEqual(["foo"]);
  expect(() => encodeEmbedding({ model: "m", input: [[1, 2]] }, () => {})).toThrow("text, not tokens");
});
