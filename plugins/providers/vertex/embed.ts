import type { EmbeddingRequest } from "intellirouter/plugin";
import { UpstreamError } from "intellirouter/plugin";
import { type EmbeddedBatch, type EmbeddingPlan, toVector } from "../gemini/embed.ts";
import { asCount, asObject, given, type Loose, objectsOf } from "../hub/loose.ts";

/** One call of many that a request needs. */
export interface EmbeddingCall {
  readonly method: "predict" | "embedContent";
  readonly body: Loose;
}

/** Texts that older models take at once; newer ones take one. */
const mostTexts = 100;

/** Calls that are made at a time. */
export const mostCalls = 8;

/**
 * The calls that give every text its vector. Which method a model has is by its name, as in @google/genai 2.32
 * (tIsVertexEmbedContentModel). A text that is too long is an error, as it is elsewhere, and not cut.
 */
export function planCalls({ model }: EmbeddingRequest, plan: EmbeddingPlan): readonly EmbeddingCall[] {
  const { texts, dimensions, taskType, title } = plan;
  const isOlder = !model.includes("gemini") && !model.includes("maas");
  if (!isOlder && model !== "gemini-embedding-001") {
    const config = {
      ...given("taskType", taskType),
      ...given("title", title),
      ...given("outputDimensionality", dimensions),
    };
    return texts.map((text) => ({
      method: "embedContent",
      body: {
        content: { parts: [{ text }] },
        embedContentConfig: { ...config, autoTruncate: false },
      },
    }));
  }
  const size = isOlder ? mostTexts : 1;
  const instances = texts.map((content) => ({
    content,
    ...given("task_type", taskType),
    ...given("title", title),
  }));
  return Array.from({ length: Math.ceil(instances.length / size) }, (_each, index) => ({
    method: "predict",
    body: {
      instances: instances.slice(index * size, (index + 1) * size),
      parameters: { autoTruncate: false, ...given("outputDimensionality", dimensions) },
    },
  }));
}

export function decodeCall({ method }: EmbeddingCall, given: unknown): EmbeddedBatch {
  const answer = asObject(given);
  if (method === "embedContent") {
    return {
      vectors: [toVector(asObject(answer.embedding).values)],
      tokens: asCount(asObject(answer.usageMetadata).promptTokenCount),
    };
  }
  if (!Array.isArray(answer.predictions)) {
    throw new UpstreamError({ kind: "bad_response", message: "The backend's answer has no predictions." });
  }
  const found = objectsOf(answer.predictions).map(({ embeddings }) => asObject(embeddings));
  return {
    vectors: found.map(({ values }) => toVector(values)),
    tokens: found.reduce((sum, { statistics }) => sum + asCount(asObject(statistics).token_count), 0),
  };
}
