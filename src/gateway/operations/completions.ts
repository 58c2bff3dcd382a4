import { UpstreamError } from "../../plugin/api/upstream-error.ts";
import type { Completion, CompletionChunk, CompletionRequest } from "../../schema/completion.ts";
import { CompletionChunkNormaliser, normaliseCompletion } from "../normalise/completion.ts";
import type { Operation } from "../operation.ts";
import { tokensOf } from "./prompt-size.ts";

/** `POST /v1/completions`. */
export const completionsOperation: Operation<CompletionRequest, Completion, CompletionChunk> = {
  name: "completions",

  summarise: (body) => ({
    promptTokens: promptTokens(body.prompt),
    maxOutputTokens: body.max_tokens ?? undefined,
    needsTools: false,
    needsVision: false,
    needsJsonSchema: false,
    user: body.user ?? undefined,
  }),

  prompt: (body) => typeof body.prompt === "string" ? body.prompt : JSON.stringify(body.prompt),

  complete(provider, body, context) {
    if (provider.completions === undefined) throw unsupported();
    return provider.completions.complete(body, context);
  },

  stream(provider, body, context) {
    if (provider.completions === undefined) throw unsupported();
    return provider.completions.stream(body, context);
  },

  normaliser: (options) => new CompletionChunkNormaliser(options),
  framing: "data",

  normalise(whole, _body, options) {
    const body = normaliseCompletion(whole, options);
    const outputCharacters = body.choices.reduce((sum, choice) => sum + choice.text.length, 0);
    return { body, usage: body.usage ?? undefined, outputCharacters };
  },
};

/** Text counts by its length, a token id as one token. */
export function promptTokens(prompt: CompletionRequest["prompt"]): number {
  if (typeof prompt === "string") return tokensOf(prompt.length);
  let tokens = 0;
  for (const part of prompt) {
    tokens += typeof part === "string" ? tokensOf(part.length) : Array.isArray(part) ? part.length : 1;
  }
  return tokens;
}

function unsupported(): UpstreamError {
  return new UpstreamError({ kind: "bad_response", message: "The provider has no text completions." });
}
