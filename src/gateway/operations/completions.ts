import { UpstreamError } from "../../plugin/api/upstream-error.ts";
import type { CompletionsCapability, Provider } from "../../plugin/api/provider.ts";
import type { Completion, CompletionRequest } from "../../schema/completion.ts";
import { CompletionChunkNormaliser, normaliseCompletion } from "../normalise/completion.ts";
import type { Operation } from "../operation.ts";
import { completionAnswer, DialectAnswerEditor } from "../stages/answer-editor.ts";
import { DialectPromptEditor } from "../stages/prompt-editor.ts";
import { inputPrompt } from "../stages/input-prompt.ts";
import { tokensOf } from "./prompt-size.ts";

/** `POST /v1/completions`. */
export const completionsOperation: Operation<CompletionRequest> = {
  name: "completions",
  isCacheable: true,

  summarise: (body) => ({
    promptTokens: promptTokens(body.prompt),
    maxOutputTokens: body.max_tokens ?? undefined,
    choices: answersTo(body),
    needsTools: false,
    needsVision: false,
    needsJsonSchema: false,
    user: body.user ?? undefined,
  }),

  prompt: (body) => typeof body.prompt === "string" ? body.prompt : JSON.stringify(body.prompt),

  async complete(provider, body, context, options) {
    const { body: answer } = await completionsOf(provider).complete(body, context);
    const normalised = normaliseCompletion(answer, options);
    const outputCharacters = normalised.choices.reduce((sum, choice) => sum + choice.text.length, 0);
    return { body: normalised, usage: normalised.usage ?? undefined, outputCharacters };
  },

  async stream(provider, body, context, options) {
    const { frames } = await completionsOf(provider).stream(body, context);
    return { frames, normaliser: new CompletionChunkNormaliser(options) };
  },

  editPrompt: (body) => new DialectPromptEditor(inputPrompt("prompt"), body),
  editAnswer: (body) => new DialectAnswerEditor(completionAnswer, body as Completion),
  limitOutput: (body, tokens) => ({ ...body, max_tokens: tokens }),
  framing: "data",
};

/** Every prompt of a list gets as many answers as are asked for; `best_of` are made and fewer shown. */
function answersTo({ prompt, n, best_of: best }: CompletionRequest): number {
  const prompts = Array.isArray(prompt) && typeof prompt[0] !== "number" ? prompt.length : 1;
  return prompts * Math.max(n ?? 1, typeof best === "number" ? best : 1);
}

/** Text counts by its length, a token id as one token. */
export function promptTokens(prompt: CompletionRequest["prompt"]): number {
  if (typeof prompt === "string") return tokensOf(prompt.length);
  let tokens = 0;
  for (const part of prompt) {
    tokens += typeof part === "string" ? tokensOf(part.length) : Array.isArray(part) ? part.length : 1;
  }
  return tokens;
}

/** The planner removes targets without the capability, so its absence is a defect of ours or of a plugin. */
function completionsOf(provider: Provider): CompletionsCapability {
  if (provider.completions !== undefined) return provider.completions;
  throw new UpstreamError({ kind: "bad_response", message: "The provider has no text completions." });
}
