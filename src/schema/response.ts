/**
 * Responses, as OpenAI's API describes them (`POST /v1/responses`).
 *
 * Requests are validated for the fields that the gateway must understand and are otherwise left alone: unknown fields, items and
 * tools go on to backends that speak this protocol. What the gateway itself makes has every field that strict clients insist on.
 */
import { z } from "zod";

const contentPart = z.looseObject({ type: z.string().min(1) });

/** One item of a conversation; which other fields it has depends on its type. */
export const responseItemSchema = z.looseObject({
  type: z.string().min(1).nullish().describe(
    "message (may be left out), function_call, function_call_output, reasoning, item_reference, custom_tool_call, …",
  ),
  id: z.string().nullish(),
  role: z.enum(["user", "assistant", "system", "developer"]).nullish().describe("Who speaks, in a message."),
  content: z.union([z.string(), z.array(contentPart)]).nullish().describe(
    "Text, or a list of parts (input_text, input_image, input_file, input_audio, output_text, refusal).",
  ),
});

export const responseToolSchema = z.looseObject({
  type: z.string().min(1),
  name: z.string().nullish(),
});

const input = z.union([z.string(), z.array(responseItemSchema)]).nullish().describe(
  "A text, or the items of a conversation, oldest first.",
);
const format = z.looseObject({ type: z.string().min(1) });
const text = z.looseObject({ format: format.nullish(), verbosity: z.string().nullish() }).nullish();
const reasoning = z.looseObject({ effort: z.string().nullish(), summary: z.string().nullish() }).nullish();

const responsesRequestFields = {
  model: z.string().min(1).max(256).describe("A model, an alias, a route, or `provider/model`."),
  input,
  instructions: z.string().nullish().describe("What the model is told before the conversation."),
  previous_response_id: z.string().min(1).nullish().describe(
    "The stored response that this conversation goes on from.",
  ),
  conversation: z.union([z.string(), z.looseObject({})]).nullish().describe(
    "The conversation that this turn goes on with and is added to, made at /v1/conversations; its id, or { id }.",
  ),
  tools: z.array(responseToolSchema).max(1024).nullish(),
  tool_choice: z.union([z.string(), z.looseObject({ type: z.string().min(1) })]).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  text: text.describe("Form of the answer: text, json_object or json_schema."),
  reasoning,
  truncation: z.string().nullish(),
};

export const responsesRequestSchema = z.looseObject({
  ...responsesRequestFields,
  stream: z.boolean().nullish().describe("Send the answer in pieces as server-sent events."),
  stream_options: z.looseObject({}).nullish(),
  store: z.boolean().nullish().describe(
    "Keep the response, so that it can be read and gone on from; true when absent.",
  ),
  background: z.boolean().nullish().describe("Not supported."),
  max_output_tokens: z.number().int().min(1).nullish().describe(
    "Most tokens the answer may have, reasoning included.",
  ),
  max_tool_calls: z.number().int().min(1).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  top_logprobs: z.number().int().min(0).max(20).nullish(),
  include: z.array(z.string()).nullish(),
  metadata: z.record(z.string().max(64), z.string().max(512)).nullish(),
  user: z.string().nullish(),
  safety_identifier: z.string().nullish(),
  prompt_cache_key: z.string().nullish(),
  service_tier: z.string().nullish(),
});

/** `POST /v1/responses/input_tokens`: the same, before an answer is asked for. */
export const inputTokensRequestSchema = z.looseObject(responsesRequestFields);

const integer = z.number().int();

export const responseUsageSchema = z.looseObject({
  input_tokens: integer,
  input_tokens_details: z.looseObject({ cached_tokens: integer }),
  output_tokens: integer,
  output_tokens_details: z.looseObject({ reasoning_tokens: integer }),
  total_tokens: integer,
});

/** A response; `null` stands where there is nothing to say. */
export const responseSchema = z.looseObject({
  id: z.string(),
  object: z.literal("response"),
  created_at: integer.describe("Seconds since the epoch."),
  completed_at: integer.nullable(),
  status: z.enum(["completed", "failed", "in_progress", "cancelled", "queued", "incomplete"]),
  background: z.boolean().nullable(),
  error: z.looseObject({ code: z.string(), message: z.string() }).nullable(),
  incomplete_details: z.looseObject({ reason: z.string() }).nullable(),
  instructions: z.union([z.string(), z.array(responseItemSchema)]).nullable(),
  max_output_tokens: integer.nullable(),
  max_tool_calls: integer.nullable(),
  metadata: z.record(z.string(), z.string()).nullable(),
  model: z.string(),
  output: z.array(responseItemSchema),
  parallel_tool_calls: z.boolean(),
  previous_response_id: z.string().nullable(),
  prompt_cache_key: z.string().nullable(),
  reasoning: z.looseObject({ effort: z.string().nullable(), summary: z.string().nullable() }).nullable(),
  safety_identifier: z.string().nullable(),
  service_tier: z.string(),
  store: z.boolean(),
  temperature: z.number(),
  text: z.looseObject({ format }),
  tool_choice: z.union([z.string(), z.looseObject({})]),
  tools: z.array(responseToolSchema),
  top_logprobs: integer,
  top_p: z.number(),
  presence_penalty: z.number(),
  frequency_penalty: z.number(),
  truncation: z.string(),
  usage: responseUsageSchema.nullable(),
});

export const responseEventSchema = z.looseObject({ type: z.string(), sequence_number: integer });

export const inputTokensSchema = z.looseObject({
  object: z.literal("response.input_tokens"),
  input_tokens: integer,
});

/** `GET /v1/responses/{id}/input_items` */
export const responseItemListSchema = z.looseObject({
  object: z.literal("list"),
  data: z.array(responseItemSchema),
  first_id: z.string().nullable(),
  last_id: z.string().nullable(),
  has_more: z.boolean(),
});

export const deletedResponseSchema = z.looseObject({
  id: z.string(),
  object: z.literal("response"),
  deleted: z.literal(true),
});

export type ResponseItem = z.infer<typeof responseItemSchema>;
export type ResponseTool = z.infer<typeof responseToolSchema>;
export type InputTokensRequest = z.infer<typeof inputTokensRequestSchema>;
export type ResponsesRequest = InputTokensRequest & Partial<z.infer<typeof responsesRequestSchema>>;
export type ResponseUsage = z.infer<typeof responseUsageSchema>;
export type ResponseObject = z.infer<typeof responseSchema>;
export type ResponseEvent = z.infer<typeof responseEventSchema>;
export type ResponseItemList = z.infer<typeof responseItemListSchema>;
