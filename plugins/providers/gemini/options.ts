import { z } from "zod";
import { openAiCompatibleOptions } from "../openai-compatible/options.ts";

const { base_url: baseUrl, headers } = openAiCompatibleOptions.shape;

/** The parts of the options that concern the models, wherever they are served. */
export const geminiModelOptions = {
  thoughts: z.enum(["asked", "always", "never"]).default("asked").describe(
    "When summaries of what the model thought come with the answer: when a request asks for reasoning, always, or never.",
  ),
  safety_settings: z.array(z.strictObject({
    category: z.string().describe("Such as HARM_CATEGORY_HARASSMENT."),
    threshold: z.string().describe("Such as BLOCK_ONLY_HIGH."),
  })).default([]).describe("What is blocked, unless a request has safety_settings of its own."),
  headers,
};

/** Options of a provider for Google's Gemini API. */
export const geminiOptions = z.strictObject({
  base_url: baseUrl.default("https://generativelanguage.googleapis.com/v1beta").describe(
    'Address of the API with its version, up to and without "/models".',
  ),
  ...geminiModelOptions,
});

export type GeminiOptions = z.output<typeof geminiOptions>;
export type GeminiModelOptions = Pick<GeminiOptions, keyof typeof geminiModelOptions>;
