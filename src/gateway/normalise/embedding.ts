import { UpstreamError } from "../../plugin/api/upstream-error.ts";
import type { EmbeddingResponse } from "../../schema/embedding.ts";
import { canonicalUsage } from "./usage.ts";

type Loose = Record<string, unknown>;

/** Buffers skip over what is no base64, which would make a wrong vector out of any text. */
const base64 = /^[A-Za-z0-9+/]*={0,2}$/;

/**
 * Embeddings in the form that the client asked for, whatever the backend gives. Base64 is the vector's 32-bit floats,
 * little-endian. Both official SDKs ask for it by themselves, and an old one silently corrupts a vector that comes as a list then.
 *
 * @throws {UpstreamError} `bad_response`
 */
export function normaliseEmbedding(
  given: unknown,
  format: "float" | "base64",
  dimensions?: number | null,
): EmbeddingResponse {
  const body = given as Loose | null;
  if (typeof body !== "object" || body === null || !Array.isArray(body.data)) {
    throw new UpstreamError({ kind: "bad_response", message: "The backend's answer has no embeddings." });
  }
  const data = body.data.map((item: Loose, position) => ({
    ...item,
    object: "embedding" as const,
    index: typeof item?.index === "number" ? item.index : position,
    embedding: convert(item?.embedding, format, dimensions ?? undefined),
  }));
  data.sort((left, right) => left.index - right.index);
  const usage = canonicalUsage({ completion_tokens: 0, ...(body.usage as Loose | null | undefined) });
  return {
    ...body,
    object: "list",
    data,
    model: typeof body.model === "string" ? body.model : "",
    usage: {
      prompt_tokens: usage?.prompt_tokens ?? 0,
      total_tokens: usage?.total_tokens ?? usage?.prompt_tokens ?? 0,
    },
  };
}

function convert(
  vector: unknown,
  format: "float" | "base64",
  dimensions: number | undefined,
): string | number[] {
  if (typeof vector === "string") {
    if (format === "base64" && dimensions === undefined) return vector;
    const floats = fit(decode(vector), dimensions);
    return format === "float" ? floats : encode(floats);
  }
  if (Array.isArray(vector) && vector.every((value) => typeof value === "number")) {
    const floats = fit(vector, dimensions);
    return format === "float" ? floats : encode(floats);
  }
  throw new UpstreamError({
    kind: "bad_response",
    message: "The backend's embedding is neither a list of numbers nor base64.",
  });
}

/**
 * Backends that do not know `dimensions` give all they have. The first of them, brought to length one, is what OpenAI documents
 * for its own models; it is sound for models that were trained so (Matryoshka representation learning).
 */
function fit(vector: number[], dimensions: number | undefined): number[] {
  if (dimensions === undefined || vector.length === dimensions) return vector;
  if (vector.length < dimensions) {
    throw new UpstreamError({
      kind: "unsupported",
      code: "unsupported_value",
      param: "dimensions",
      message: `The model's embeddings have ${vector.length} dimensions, and ${dimensions} were asked for.`,
    });
  }
  const cut = vector.slice(0, dimensions);
  const length = Math.hypot(...cut);
  return length === 0 ? cut : cut.map((value) => value / length);
}

// Typed arrays have the machine's order of bytes, which is little-endian wherever the gateway runs.

function encode(vector: readonly number[]): string {
  return Buffer.from(new Float32Array(vector).buffer).toString("base64");
}

function decode(text: string): number[] {
  const pooled = Buffer.from(text, "base64");
  if (pooled.length % 4 !== 0 || !base64.test(text)) {
    throw new UpstreamError({
      kind: "bad_response",
      message: "The backend's base64 embedding is not made of 32-bit floats.",
    });
  }
  // A copy, because a slice of the pool may begin where no float may.
  return Array.from(new Float32Array(new Uint8Array(pooled).buffer));
}
