import { UpstreamError } from "../../plugin/api/upstream-error.ts";
import type { EmbeddingResponse } from "../../schema/embedding.ts";
import { canonicalUsage } from "./usage.ts";

type Loose = Record<string, unknown>;

/**
 * Embeddings in the form that the client asked for, whatever the backend gives. Base64 is the vector's 32-bit floats,
 * little-endian. Both official SDKs ask for it by themselves, and an old one silently corrupts a vector that comes as a list then.
 *
 * @throws {UpstreamError} `bad_response`
 */
export function normaliseEmbedding(given: unknown, format: "float" | "base64"): EmbeddingResponse {
  const body = given as Loose | null;
  if (typeof body !== "object" || body === null || !Array.isArray(body.data)) {
    throw new UpstreamError({ kind: "bad_response", message: "The backend's answer has no embeddings." });
  }
  const data = body.data.map((item: Loose, position) => ({
    ...item,
    object: "embedding" as const,
    index: typeof item?.index === "number" ? item.index : position,
    embedding: convert(item?.embedding, format),
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

function convert(vector: unknown, format: "float" | "base64"): string | number[] {
  if (typeof vector === "string") return format === "base64" ? vector : decode(vector);
  if (Array.isArray(vector) && vector.every((value) => typeof value === "number")) {
    return format === "float" ? vector : encode(vector);
  }
  throw new UpstreamError({
    kind: "bad_response",
    message: "The backend's embedding is neither a list of numbers nor base64.",
  });
}

function encode(vector: readonly number[]): string {
  const bytes = Buffer.allocUnsafe(vector.length * 4);
  for (let index = 0; index < vector.length; index++) bytes.writeFloatLE(vector[index]!, index * 4);
  return bytes.toString("base64");
}

function decode(text: string): number[] {
  const bytes = Buffer.from(text, "base64");
  if (bytes.length % 4 !== 0) {
    throw new UpstreamError({
      kind: "bad_response",
      message: "The backend's base64 embedding is not made of 32-bit floats.",
    });
  }
  return Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(index * 4));
}
