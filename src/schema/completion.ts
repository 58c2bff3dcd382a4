/** Legacy text completions (`POST /v1/completions`). */
import { z } from "zod";
import { usageSchema } from "./chat-completion.ts";

const tokens = z.array(z.number().int().min(0));

export const completionRequestSchema = z.looseObject({
  model: z.string().min(1).max(256).describe("A model, an alias, a route, or `provider/model`."),
  prompt: z.union([z.string(), tokens, z.array(z.string()), z.array(tokens)])
    .describe("Text, a list of texts, token ids, or a list of lists of token ids."),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  max_tokens: z.number().int().min(0).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  n: z.number().int().min(1).max(128).nullish(),
  stop: z.union([z.string(), z.array(z.string()).max(4)]).nullish(),
  user: z.string().nullish(),
});

export const completionSchema = z.looseObject({
  id: z.string(),
  object: z.literal("text_completion"),
  created: z.number().int(),
  model: z.string(),
  choices: z.array(
    z.looseObject({
      index: z.number().int(),
      text: z.string(),
      logprobs: z.looseObject({}).nullable(),
      finish_reason: z.enum(["stop", "length", "content_filter"]).nullable(),
    }),
  ),
  usage: usageSchema.nullish(),
});

export type CompletionRequest = z.infer<typeof completionRequestSchema>;
export type Completion = z.infer<typeof completionSchema>;
/** Pieces have the shape of the whole, `object` included. */
export type CompletionChunk = Completion;
