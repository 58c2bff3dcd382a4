import { expect, test } from "bun:test";
import fc from "fast-check";
import { UpstreamError } from "../../plugin/api/upstream-error.ts";
import { normaliseEmbedding } from "./embedding.ts";

const answer = (embedding: unknown) => ({
  data: [{ index: 0, embedding }],
  model: "m",
  usage: { prompt_tokens: 1 },
});
const convert = (embedding: unknown, format: "float" | "base64") =>
  normaliseEmbedding(answer(embedding), format).data[0]!.embedding;

/** An independent reading of "little-endian 32-bit floats". */
function bytesOf(vector: readonly number[]): string {
  const view = new DataView(new ArrayBuffer(vector.length * 4));
  vector.forEach((value, index) => view.setFloat32(index * 4, value, true));
  return Buffer.from(view.buffer).toString("base64");
}

const vectors = fc.array(fc.float({ noNaN: true }), { maxLength: 50 });

test("a list becomes little-endian 32-bit floats", () => {
  fc.assert(fc.property(vectors, (vector) => expect(convert(vector, "base64")).toBe(bytesOf(vector))));
});

test("base64 becomes the list that it was made of", () => {
  fc.assert(fc.property(vectors, (vector) => expect(convert(bytesOf(vector), "float")).toEqual(vector)));
});

test("what has the asked-for form already is left as it is", () => {
  const list = [0.1, 0.2];
  expect(convert(list, "float")).toBe(list);
  expect(convert(bytesOf(list), "base64")).toBe(bytesOf(list));
});

test("what is no vector is refused", () => {
  for (const embedding of ["AAA=", "not base64!", null, { 0: 1 }, [1, "2"], [null]]) {
    expect(() => convert(embedding, "float")).toThrow(UpstreamError);
  }
  expect(() => normaliseEmbedding({ data: [null] }, "float")).toThrow(UpstreamError);
});

test("an answer without a model leaves it to the caller to name one", () => {
  expect(normaliseEmbedding({ data: [] }, "float").model).toBe("");
});

test("fewer dimensions are cut from what the backend gave, and brought to length one", () => {
  const given = (embedding: number[]) => ({ object: "list", model: "m", data: [{ index: 0, embedding }] });
  const { data } = normaliseEmbedding(given([3, 4, 12]), "float", 2);
  expect(data[0]!.embedding).toEqual([0.6, 0.8]);
  expect(normaliseEmbedding(given([3, 4]), "float", 2).data[0]!.embedding).toEqual([3, 4]);
  expect(() => normaliseEmbedding(given([3]), "float", 2)).toThrow("1 dimensions");
});
