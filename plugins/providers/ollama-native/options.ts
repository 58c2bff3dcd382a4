import { z } from "zod";
import { openAiCompatibleOptions } from "../openai-compatible/options.ts";

const { base_url: baseUrl, headers } = openAiCompatibleOptions.shape;

/** Options of a provider for Ollama's own protocol. */
export const ollamaOptions = z.strictObject({
  base_url: baseUrl.default("http://127.0.0.1:11434").describe(
    'Address of the server, up to and without "/api".',
  ),
  headers,
  num_ctx: z.number().int().min(1).optional().describe(
    "Context in tokens that models are loaded with; the server decides when absent. A request may say otherwise.",
  ),
  keep_alive: z.union([z.number(), z.string().regex(/^-?[\d.]+(ms|s|m|h)([\d.]+(ms|s|m|h))*$/)]).optional()
    .describe(
      "How long a model stays loaded after a request: seconds, or such as 10m; negative for always.",
    ),
  model_options: z.record(z.string(), z.union([z.number(), z.boolean(), z.string(), z.array(z.string())]))
    .default({}).describe("Further runtime options of every request, such as num_gpu or repeat_penalty."),
  truncate: z.boolean().default(false).describe(
    "Lets the server cut off the beginning of what is longer than the context, instead of refusing it.",
  ),
});

export type OllamaOptions = z.output<typeof ollamaOptions>;
