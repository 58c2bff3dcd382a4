import { UpstreamError } from "../../plugin/api/upstream-error.ts";
import type { EmbeddingRequest } from "../../schema/embedding.ts";
import { normaliseEmbedding } from "../normalise/embedding.ts";
import type { Operation } from "../operation.ts";
import { inputPrompt } from "../stages/input-prompt.ts";
import { DialectPromptEditor } from "../stages/prompt-editor.ts";
import { promptTokens } from "./completions.ts";

/** `POST /v1/embeddings`. */
export const embeddingsOperation: Operation<EmbeddingRequest> = {
  name: "embeddings",
  isCacheable: true,
  editPrompt: (body) => new DialectPromptEditor(inputPrompt("input"), body),

  summarise: (body) => ({
    promptTokens: promptTokens(body.input),
    maxOutputTokens: 0,
    needsTools: false,
    needsVision: false,
    needsJsonSchema: false,
    user: body.user ?? undefined,
  }),

  prompt: (body) => typeof body.input === "string" ? body.input : JSON.stringify(body.input),

  async complete(provider, request, context, options) {
    if (provider.embeddings === undefined) {
      throw new UpstreamError({ kind: "bad_response", message: "The provider has no embeddings." });
    }
    const { body: answer } = await provider.embeddings.create(request, context);
    const normalised = normaliseEmbedding(answer, request.encoding_format ?? "float", request.dimensions);
    const body = { ...normalised, model: options.forcedModel ?? (normalised.model || options.fallbackModel) };
    const { prompt_tokens, total_tokens } = body.usage;
    return { body, usage: { prompt_tokens, completion_tokens: 0, total_tokens }, outputCharacters: 0 };
  },
};
