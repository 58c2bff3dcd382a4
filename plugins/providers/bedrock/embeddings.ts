import type {
  CallContext,
  EmbeddingRequest,
  EmbeddingResponse,
  EmbeddingsCapability,
} from "intellirouter/plugin";
import { UpstreamError } from "intellirouter/plugin";
import { asCount, asObject, given, isObject, type Loose } from "../hub/loose.ts";
import { unsupported } from "../hub/refuse.ts";
import type { BedrockClient } from "./bedrock-client.ts";
import type { BedrockOptions } from "./options.ts";

/** Texts that Cohere's models take in one call. */
const cohereBatch = 96;
/** Titan takes one text in a call; so many calls run at once. */
const titanCalls = 8;

/** What one call embeds, and how its answer is read. */
interface EmbeddingCall {
  readonly body: Loose;
  vectors(answer: Loose): readonly unknown[];
}

export function createEmbeddings(bedrock: BedrockClient, options: BedrockOptions): EmbeddingsCapability {
  return {
    async create(request, context) {
      const calls = planCalls(request, options);
      const url = bedrock.modelUrl(request.model, "invoke");
      const { vectors, tokens, headers } = await askAll(calls, url, bedrock, context);
      return { body: toResponse(request.model, vectors, tokens), headers };
    },
  };
}

/** @throws {UpstreamError} for models of other makers and for what the maker's models cannot do. */
export function planCalls(request: EmbeddingRequest, options: BedrockOptions): readonly EmbeddingCall[] {
  const texts = readTexts(request);
  const { model, dimensions } = request;
  if (/cohere\.embed/.test(model)) {
    if (dimensions && !/embed-v4/.test(model)) throw fixedLength();
    const inputType = typeof request.input_type === "string"
      ? request.input_type
      : options.embedding_input_type;
    return batches(texts, cohereBatch).map((batch) => ({
      body: {
        texts: batch,
        input_type: inputType,
        embedding_types: ["float"],
        ...given("truncate", request.truncate),
        ...given("output_dimension", dimensions),
      },
      vectors: ({ embeddings }) => {
        const list = isObject(embeddings) ? embeddings.float : embeddings;
        return Array.isArray(list) ? list : [];
      },
    }));
  }
  if (/amazon\.titan-embed/.test(model)) {
    if (dimensions && !/v2/.test(model)) throw fixedLength();
    return texts.map((text) => ({
      body: { inputText: text, ...given("dimensions", dimensions), ...given("normalize", request.normalize) },
      vectors: ({ embedding }) => [embedding],
    }));
  }
  throw unsupported("model", "On Bedrock, embeddings of Amazon Titan's and Cohere's models are known.");
}

function readTexts({ input }: EmbeddingRequest): readonly string[] {
  const list = typeof input === "string" ? [input] : input;
  const texts = list.filter((each) => typeof each === "string");
  if (texts.length !== list.length) throw unsupported("input", "This backend takes text, not tokens.");
  return texts;
}

function fixedLength(): UpstreamError {
  return unsupported("dimensions", "The vectors of this model have a fixed length.", "unsupported_parameter");
}

async function askAll(
  calls: readonly EmbeddingCall[],
  url: string,
  { client }: BedrockClient,
  context: CallContext,
) {
  const vectors: unknown[] = [];
  let tokens = 0;
  let headers = new Headers();
  for (const batch of batches(calls, titanCalls)) {
    const answers = await Promise.all(batch.map(async (call) => {
      const answer = await client.ask<unknown>(url, call.body, context);
      return { ...answer, vectors: call.vectors(asObject(answer.body)) };
    }));
    for (const answer of answers) {
      vectors.push(...answer.vectors);
      headers = answer.headers ?? headers;
      tokens += asCount(asObject(answer.body).inputTextTokenCount) ||
        asCount(Number(headers.get("x-amzn-bedrock-input-token-count") ?? 0));
    }
  }
  return { vectors, tokens, headers };
}

function toResponse(model: string, vectors: readonly unknown[], tokens: number): EmbeddingResponse {
  return {
    object: "list",
    data: vectors.map((embedding, index) => {
      if (!Array.isArray(embedding)) {
        throw new UpstreamError({ kind: "bad_response", message: "The backend's answer has no vector." });
      }
      return { object: "embedding", index, embedding };
    }),
    model,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  };
}

function batches<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from(
    { length: Math.ceil(items.length / size) },
    (_, index) => items.slice(index * size, (index + 1) * size),
  );
}
