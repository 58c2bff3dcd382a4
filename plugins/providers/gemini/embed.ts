import type { EmbeddingRequest, EmbeddingResponse } from "intellirouter/plugin";
import { UpstreamError } from "intellirouter/plugin";
import { asCount, asObject, asText, given, type Loose, objectsOf } from "../hub/loose.ts";
import type { Lose } from "../hub/losses.ts";
import { unsupported } from "../hub/refuse.ts";

/** Texts that one call takes at most. */
const mostTexts = 100;

/** What a request says of every text. */
export interface EmbeddingPlan {
  readonly texts: readonly string[];
  readonly dimensions: number | undefined;
  /** The API's own: what the vectors are for. */
  readonly taskType: string | undefined;
  readonly title: string | undefined;
}

/** @throws {UpstreamError} where the input is not text: these models count tokens of their own. */
export function planEmbedding(request: EmbeddingRequest, lose: Lose): EmbeddingPlan {
  const texts = typeof request.input === "string" ? [request.input] : request.input;
  if (!texts.every((text) => typeof text === "string")) {
    throw unsupported("input", "This backend embeds text, not tokens.");
  }
  const known = new Set(["model", "input", "encoding_format", "dimensions", "user", "task_type", "title"]);
  for (const [field, value] of Object.entries(request)) {
    if (!known.has(field) && value !== null && value !== undefined) {
      lose(field, "dropped", "the API has no such field");
    }
  }
  return {
    texts,
    dimensions: request.dimensions ?? undefined,
    taskType: asText(request.task_type) || undefined,
    title: asText(request.title) || undefined,
  };
}

/** The bodies of `batchEmbedContents`, as many as the texts need. */
export function encodeBatches(model: string, plan: EmbeddingPlan): readonly Loose[] {
  const { texts, dimensions, taskType, title } = plan;
  const requests = texts.map((text) => ({
    model: `models/${model}`,
    content: { parts: [{ text }] },
    ...given("taskType", taskType),
    ...given("title", title),
    ...given("outputDimensionality", dimensions),
  }));
  return Array.from(
    { length: Math.ceil(requests.length / mostTexts) },
    (_each, index) => ({ requests: requests.slice(index * mostTexts, (index + 1) * mostTexts) }),
  );
}

/** What a call gave: vectors in order, and the tokens that it counted. */
export interface EmbeddedBatch {
  readonly vectors: readonly (readonly number[])[];
  readonly tokens: number;
}

export function decodeBatch(answer: unknown): EmbeddedBatch {
  const { embeddings, usageMetadata } = asObject(answer);
  const vectors = objectsOf(embeddings).map(({ values }) => toVector(values));
  return { vectors, tokens: asCount(asObject(usageMetadata).promptTokenCount) };
}

export function toVector(values: unknown): readonly number[] {
  if (Array.isArray(values) && values.length > 0) return values;
  throw new UpstreamError({ kind: "bad_response", message: "An embedding of the backend has no values." });
}

/** All batches as one answer; every text has its vector. */
export function joinBatches(
  model: string,
  { texts, dimensions }: EmbeddingPlan,
  batches: readonly EmbeddedBatch[],
): EmbeddingResponse {
  const vectors = batches.flatMap((batch) => batch.vectors);
  if (vectors.length !== texts.length) {
    throw new UpstreamError({
      kind: "bad_response",
      message: `${vectors.length} embeddings came for ${texts.length} texts`,
    });
  }
  const tokens = batches.reduce((sum, batch) => sum + batch.tokens, 0);
  return {
    object: "list",
    data: vectors.map((vector, index) => ({
      object: "embedding",
      index,
      embedding: dimensions === undefined ? [...vector] : toLengthOne(vector),
    })),
    model,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  };
}

/** Shortened vectors come as they were cut (ai.google.dev, "Embeddings"); OpenAI's have the length one. */
function toLengthOne(vector: readonly number[]): number[] {
  const length = Math.hypot(...vector);
  return vector.map((value) => length === 0 ? value : value / length);
}
