import { z } from "zod";
import { openAiCompatibleOptions } from "../openai-compatible/options.ts";

/** The parts of the options that concern Claude models, wherever they are served. */
export const claudeOptions = {
  thinking: z.enum(["auto", "adaptive", "budget"]).default("auto").describe(
    "How reasoning is asked for: `adaptive` (newer models), `budget` (a number of tokens, older models), or what suits the model's name.",
  ),
  thinking_display: z.enum(["summarized", "omitted", "model"]).default("summarized").describe(
    "Whether newer models send a summary of what they thought when a request asks for reasoning; `model` leaves it to the model.",
  ),
  structured_output: z.enum(["auto", "native", "tool"]).default("auto").describe(
    "How answers are held to a JSON schema: by the API's own feature, by a tool that the model must call, or what suits the model.",
  ),
};

/** Options of a provider that speaks Anthropic's Messages protocol. */
export const anthropicOptions = z.strictObject({
  base_url: openAiCompatibleOptions.shape.base_url.default("https://api.anthropic.com").describe(
    'Address of the API, up to "/v1/messages".',
  ),
  auth: z.enum(["api_key", "bearer"]).default("api_key").describe(
    "Whether the key goes as `x-api-key` or as `Authorization: Bearer`.",
  ),
  version: z.string().regex(/^[\w.-]+$/).default("2023-06-01").describe("Sent as anthropic-version."),
  beta: z.array(z.string().regex(/^[\w.-]+$/)).default([]).describe(
    "Features that are not generally available, sent as anthropic-beta.",
  ),
  headers: openAiCompatibleOptions.shape.headers,
  default_max_tokens: z.number().int().min(1).optional().describe(
    "Longest answer, in tokens, where a request sets no limit. The model's own limit when absent.",
  ),
  system_messages: z.enum(["auto", "first"]).default("auto").describe(
    "Where system messages in the middle of a conversation go: to their place for models that take them there, or always to the beginning.",
  ),
  ...claudeOptions,
});

export type AnthropicOptions = z.output<typeof anthropicOptions>;
export type ClaudeOptions = Pick<AnthropicOptions, keyof typeof claudeOptions>;
