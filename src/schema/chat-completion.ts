/**
 * Chat completions, as OpenAI's API describes them (openapi.yaml v2.3.0, `POST /v1/chat/completions`).
 *
 * Requests are validated for the fields the gateway knows and are otherwise left alone: unknown fields go on to
 * backends that speak this shape. Responses are described as loosely as use allows, because backends differ.
 */
import { z } from "zod";
import { isLongInteger } from "../lib/lossless-json.ts";

const textPart = z.looseObject({ type: z.literal("text"), text: z.string() });
const contentPart = z.looseObject({ type: z.string().min(1) });
const content = z.union([z.string(), z.array(z.union([textPart, contentPart]))]);

export const toolCallSchema = z.looseObject({
  id: z.string(),
  type: z.string().optional(),
  function: z.looseObject({ name: z.string(), arguments: z.string() }).optional(),
});

export const chatMessageSchema = z.looseObject({
  role: z.enum(["developer", "system", "user", "assistant", "tool", "function"]).describe(
    "Who speaks.",
  ),
  content: content.nullish().describe("Text, or a list of parts (text, image_url, input_audio, file)."),
  name: z.string().optional(),
  tool_calls: z.array(toolCallSchema).nullish().describe("Calls an assistant message asks for."),
  tool_call_id: z.string().optional().describe("The call that a tool message answers."),
});

const number = (low: number, high: number) => z.number().min(low).max(high).nullish();
/** Of 64 bits, more than a double holds. */
const longInteger = z.unknown()
  .refine((value) => Number.isInteger(value) || isLongInteger(value), "expected an integer")
  .meta({ type: "integer" });
const count = z.number().int().min(1).nullish();

export const chatCompletionRequestSchema = z.looseObject({
  model: z.string().min(1).max(256).describe("A model, an alias, a route, or `provider/model`."),
  messages: z.array(chatMessageSchema).min(1).describe("The conversation so far, oldest first."),
  stream: z.boolean().nullish().describe("Send the answer in pieces as server-sent events."),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  temperature: number(0, 2),
  top_p: number(0, 1),
  frequency_penalty: number(-2, 2),
  presence_penalty: number(-2, 2),
  max_tokens: count.describe("Deprecated spelling of max_completion_tokens."),
  max_completion_tokens: count.describe("Most tokens the answer may have, reasoning included."),
  n: z.number().int().min(1).max(128).nullish().describe("How many answers to give."),
  stop: z.union([z.string(), z.array(z.string()).max(4)]).nullish(),
  seed: longInteger.nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.number().int().min(0).max(20).nullish(),
  logit_bias: z.record(z.string(), z.number()).nullish(),
  tools: z.array(z.looseObject({ type: z.string().min(1) })).max(1024).nullish(),
  tool_choice: z.union([z.string(), z.looseObject({})]).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  response_format: z.looseObject({ type: z.string().min(1) }).nullish(),
  reasoning_effort: z.string().nullish(),
  metadata: z.record(z.string().max(64), z.string().max(512)).nullish(),
  user: z.string().nullish(),
});

export type ChatMessage = z.infer<typeof chatMessageSchema>;
export type ChatCompletionRequest = z.infer<typeof chatCompletionRequestSchema>;

/** Token counts of one answer. Strict clients need all three totals as integers. */
export const usageSchema = z.looseObject({
  prompt_tokens: z.number().int(),
  completion_tokens: z.number().int(),
  total_tokens: z.number().int(),
  prompt_tokens_details: z.looseObject({ cached_tokens: z.number().int().nullish() }).nullish(),
  completion_tokens_details: z.looseObject({ reasoning_tokens: z.number().int().nullish() }).nullish(),
});

export const finishReasonSchema = z.enum(["stop", "length", "tool_calls", "content_filter", "function_call"]);

export const chatCompletionSchema = z.looseObject({
  id: z.string(),
  object: z.literal("chat.completion"),
  created: z.number().int(),
  model: z.string(),
  choices: z.array(
    z.looseObject({
      index: z.number().int(),
      message: z.looseObject({
        role: z.literal("assistant"),
        content: z.string().nullable(),
        refusal: z.string().nullish(),
        tool_calls: z.array(toolCallSchema).optional(),
      }),
      finish_reason: finishReasonSchema,
      logprobs: z.looseObject({}).nullish(),
    }),
  ),
  usage: usageSchema.optional(),
});

export const toolCallDeltaSchema = z.looseObject({
  index: z.number().int(),
  id: z.string().optional(),
  type: z.string().optional(),
  function: z.looseObject({ name: z.string().optional(), arguments: z.string().optional() }).optional(),
});

export const chatCompletionChunkSchema = z.looseObject({
  id: z.string(),
  object: z.literal("chat.completion.chunk"),
  created: z.number().int(),
  model: z.string(),
  choices: z.array(
    z.looseObject({
      index: z.number().int(),
      delta: z.looseObject({
        role: z.string().optional(),
        content: z.string().nullish(),
        refusal: z.string().nullish(),
        tool_calls: z.array(toolCallDeltaSchema).optional(),
      }),
      finish_reason: finishReasonSchema.nullable(),
      logprobs: z.looseObject({}).nullish(),
    }),
  ),
  usage: usageSchema.nullish(),
});

export type ToolCall = z.infer<typeof toolCallSchema>;
export type ToolCallDelta = z.infer<typeof toolCallDeltaSchema>;
export type Usage = z.infer<typeof usageSchema>;
export type ChatCompletion = z.infer<typeof chatCompletionSchema>;
export type ChatCompletionChunk = z.infer<typeof chatCompletionChunkSchema>;
