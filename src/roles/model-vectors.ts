import type { ModelCaller } from "../gateway/internal-call.ts";
import type { InternalContext } from "../gateway/internal-call.ts";

/**
 * One vector for each text, by a model of the gateway's.
 *
 * @throws {ApiError} as a client would be answered.
 * @throws {Error} for an answer that has not as many vectors as there are texts.
 */
export async function modelVectors(
  caller: ModelCaller,
  model: string,
  texts: readonly string[],
  context: InternalContext,
): Promise<Float32Array[]> {
  const { data } = await caller.embed({ model, input: [...texts] }, context);
  const vectors = new Array<Float32Array>(texts.length);
  for (const { index, embedding } of data) vectors[index] = Float32Array.from(numbersOf(embedding));
  if (data.length !== texts.length || vectors.includes(undefined as never)) {
    throw new Error(`the model ${model} gave ${data.length} vectors for ${texts.length} texts`);
  }
  return vectors;
}

/** Some backends give bytes in base64 whatever they were asked for. */
function numbersOf(embedding: unknown): ArrayLike<number> {
  if (Array.isArray(embedding)) return embedding;
  if (typeof embedding !== "string") throw new Error("an embedding is a list of numbers");
  const bytes = Uint8Array.from(Buffer.from(embedding, "base64"));
  return new Float32Array(bytes.buffer, 0, Math.floor(bytes.byteLength / 4));
}
