/**
 * Messages, as Anthropic's API describes them (`POST /v1/messages`, version 2023-06-01).
 *
 * Requests are validated for the fields that the gateway must understand and are otherwise left alone: unknown fields and blocks go
 * on to backends that speak this protocol.
 */
import { z } from "zod";

const cacheControl = z.looseObject({ type: z.string() }).nullish();

/** One block of content; its other fields depend on its type. */
export const contentBlockSchema = z.looseObject({ type: z.string().min(1), cache_control: cacheControl });

const content = z.union([z.string(), z.array(contentBlockSchema)]);

const told = content.describe(
  "Text, or a list of blocks (text, image, document, tool_use, tool_result, thinking).",
);

export const messageParameterSchema = z.discriminatedUnion("role", [
  z.looseObject({ role: z.enum(["user", "assistant"]).describe("Who speaks."), content: told }),
  z.looseObject({
    role: z.literal("system").describe("Settings and instructions from here on."),
    content: told.nullish(),
  }),
]);

const messagesRequestFields = {
  model: z.string().min(1).max(256).describe("A model, an alias, a route, or `provider/model`."),
  messages: z.array(messageParameterSchema).min(1).describe("The conversation so far, oldest first."),
  system: content.nullish().describe("What the model is told before the conversation."),
  tools: z.array(z.looseObject({ name: z.string().optional(), type: z.string().nullish() })).max(1024)
    .nullish(),
  tool_choice: z.looseObject({ type: z.string().min(1) }).nullish(),
  thinking: z.looseObject({ type: z.string().min(1), budget_tokens: z.number().int().nullish() }).nullish(),
  output_config: z.looseObject({}).nullish(),
};

export const messagesRequestSchema = z.looseObject({
  ...messagesRequestFields,
  max_tokens: z.number().int().min(0).describe(
    "Most tokens that the answer may have; 0 asks for nothing but the cache to be filled.",
  ),
  stream: z.boolean().nullish().describe("Send the answer in pieces as server-sent events."),
  stop_sequences: z.array(z.string()).nullish(),
  temperature: z.number().min(0).max(1).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  top_k: z.number().int().min(0).nullish(),
  metadata: z.looseObject({ user_id: z.string().nullish() }).nullish(),
});

/** `POST /v1/messages/count_tokens`: the same, before an answer is asked for. */
export const countTokensRequestSchema = z.looseObject(messagesRequestFields);

const count = z.number().int().nullish();

export const messageUsageSchema = z.looseObject({
  input_tokens: count.describe("Without those that were read from or written to the cache."),
  output_tokens: count,
  cache_creation_input_tokens: count,
  cache_read_input_tokens: count,
});

export const messageSchema = z.looseObject({
  id: z.string(),
  type: z.literal("message"),
  role: z.literal("assistant"),
  model: z.string(),
  content: z.array(contentBlockSchema),
  stop_reason: z.string().nullable(),
  stop_sequence: z.string().nullish(),
  usage: messageUsageSchema,
});

export const messageEventSchema = z.looseObject({ type: z.string() });

export const tokenCountSchema = z.looseObject({ input_tokens: z.number().int() });

export type ContentBlock = z.infer<typeof contentBlockSchema>;
export type MessageParameter = z.infer<typeof messageParameterSchema>;
export type CountTokensRequest = z.infer<typeof countTokensRequestSchema>;
export type MessagesRequest =
  & z.infer<typeof countTokensRequestSchema>
  & Partial<z.infer<typeof messagesRequestSchema>>;
export type MessageUsage = z.infer<typeof messageUsageSchema>;
export type Message = z.infer<typeof messageSchema>;
export type MessageEvent = z.infer<typeof messageEventSchema>;
export type TokenCount = z.infer<typeof tokenCountSchema>;
