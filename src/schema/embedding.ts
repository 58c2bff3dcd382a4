/** Embeddings (`POST /v1/embeddings`). */
import { z } from "zod";

const tokens = z.array(z.number().int().min(0)).min(1);

export const embeddingRequestSchema = z.looseObject({
  model: z.string().min(1).max(256).describe("A model, an alias, a route, or `provider/model`."),
  input: z.union([z.string().min(1), z.array(z.string()).min(1), tokens, z.array(tokens).min(1)])
    .describe("Text, a list of texts, token ids, or a list of lists of token ids."),
  encoding_format: z.enum(["float", "base64"]).nullish()
    .describe(
      "`base64` is the little-endian 32-bit floats; the gateway converts whatever the backend gives.",
    ),
  dimensions: z.number().int().min(1).nullish(),
  user: z.string().nullish(),
});

export const embeddingResponseSchema = z.looseObject({
  object: z.literal("list"),
  data: z.array(
    z.looseObject({
      object: z.literal("embedding"),
      index: z.number().int(),
      embedding: z.union([z.array(z.number()), z.string()]),
    }),
  ),
  model: z.string(),
  usage: z.looseObject({ prompt_tokens: z.number().int(), total_tokens: z.number().int() }),
});

export type EmbeddingRequest = z.infer<typeof embeddingRequestSchema>;
export type EmbeddingResponse = z.infer<typeof embeddingResponseSchema>;
