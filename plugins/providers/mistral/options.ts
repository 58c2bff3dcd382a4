import { z } from "zod";
import { openAiCompatibleOptions } from "../openai-compatible/options.ts";

const { base_url: baseUrl, headers, forward } = openAiCompatibleOptions.shape;

export const mistralOptions = z.strictObject({
  base_url: baseUrl.default("https://api.mistral.ai/v1"),
  headers,
  forward,
  safe_prompt: z.boolean().default(false).describe(
    "Puts Mistral's safety prompt before every conversation, unless a request says otherwise.",
  ),
});

export type MistralOptions = z.output<typeof mistralOptions>;
