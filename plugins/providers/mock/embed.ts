import type { EmbeddingRequest, EmbeddingResponse } from "intellirouter/plugin";
import { UpstreamError } from "intellirouter/plugin";
import { seededRandom } from "./words.ts";

const defaultDimensions = 256;
const mostDimensions = 4096;
const mostInputs = 2048;
/** Of each text; the work must stay small whatever is sent. */
const mostWords = 64;

/**
 * Vectors of length one that are near each other for texts that share words: each word adds a direction of its own, made
 * from its hash.
 */
export function embed(request: EmbeddingRequest): EmbeddingResponse {
  const inputs = inputsOf(request.input);
  const dimensions = request.dimensions ?? defaultDimensions;
  if (inputs.length > mostInputs) throw tooMuch("input", `at most ${mostInputs} texts`);
  if (dimensions > mostDimensions) throw tooMuch("dimensions", `at most ${mostDimensions}`);
  const tokens = inputs.reduce((sum, text) => sum + Math.max(1, Math.ceil(text.length / 4)), 0);
  return {
    object: "list",
    data: inputs.map((text, index) => ({
      object: "embedding",
      index,
      embedding: vectorOf(text, dimensions),
    })),
    model: request.model,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  };
}

function tooMuch(param: string, limit: string): UpstreamError {
  return new UpstreamError({
    kind: "invalid_request",
    status: 400,
    param,
    message: `This mock takes ${limit}.`,
  });
}

function inputsOf(input: EmbeddingRequest["input"]): string[] {
  if (typeof input === "string") return [input];
  const list = input as readonly unknown[];
  if (typeof list[0] === "number") return [list.join(" ")];
  return list.map((item) => Array.isArray(item) ? item.join(" ") : String(item));
}

function vectorOf(text: string, dimensions: number): number[] {
  const vector = new Array<number>(dimensions).fill(0);
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [text];
  for (const word of words.slice(0, mostWords)) {
    const random = seededRandom(word);
    for (let index = 0; index < dimensions; index++) vector[index]! += random() - 0.5;
  }
  const length = Math.hypot(...vector) || 1;
  return vector.map((value) => value / length);
}
