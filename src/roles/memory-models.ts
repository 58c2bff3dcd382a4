import type { Principal } from "../auth/principal.ts";
import type { ModelCaller } from "../gateway/internal-call.ts";
import type { MemoryModels } from "../memory/contracts.ts";

/** The request, or the work in the background, that models are asked for. */
export interface MemoryOccasion {
  readonly principal: Principal;
  readonly requestId: string;
  readonly decisionId: string;
  readonly depth: number;
  readonly signal: AbortSignal;
}

/** Memory's calls of models: as the caller's own they are authorised, limited, paid for and recorded. */
export function memoryModels(caller: ModelCaller, occasion: MemoryOccasion): MemoryModels {
  const context = { ...occasion, purpose: "memory" };
  return {
    async write(model, { instructions, text }, schema) {
      const { choices } = await caller.chat({
        model,
        messages: [{ role: "system", content: instructions }, { role: "user", content: text }],
        response_format: { type: "json_schema", json_schema: { ...schema, strict: true } },
      }, context);
      const content = choices[0]?.message.content;
      if (!content) throw new Error(`the model ${model} wrote nothing`);
      return content;
    },

    async embed(model, texts) {
      const { data } = await caller.embed({ model, input: [...texts] }, context);
      const vectors = new Array<Float32Array>(texts.length);
      for (const { index, embedding } of data) vectors[index] = Float32Array.from(numbersOf(embedding));
      if (data.length !== texts.length || vectors.includes(undefined as never)) {
        throw new Error(`the model ${model} gave ${data.length} vectors for ${texts.length} texts`);
      }
      return vectors;
    },
  };
}

/** Some backends give bytes in base64 whatever they were asked for. */
function numbersOf(embedding: unknown): ArrayLike<number> {
  if (Array.isArray(embedding)) return embedding;
  if (typeof embedding !== "string") throw new Error("an embedding is a list of numbers");
  const bytes = Uint8Array.from(Buffer.from(embedding, "base64"));
  return new Float32Array(bytes.buffer, 0, Math.floor(bytes.byteLength / 4));
}
