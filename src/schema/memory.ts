/** Settings of memory, and the shapes of its administration and of OpenAI's Conversations API. */
import { z } from "zod";
import { responseItemSchema } from "./response.ts";

const fields = {
  window_tokens: z.number().int().min(0).max(10_000_000).describe(
    "Most tokens (estimated) of earlier turns that are sent along; 0 sends none and keeps none.",
  ),
  recall_tokens: z.number().int().min(0).max(1_000_000).describe(
    "Most tokens (estimated) of facts and summaries that are sent along; 0 recalls none and learns none.",
  ),
  recall_limit: z.number().int().min(1).max(100).describe("Most facts and summaries that are sent along."),
  half_life_days: z.number().min(0.01).max(36_500).describe(
    "Days after which a fact counts half as recent: recency is `0.5 ^ (days / half_life_days)`.",
  ),
  recency_weight: z.number().min(0).max(1).describe(
    "Share of recency in a fact's score: `(1 - w) * similarity + w * recency`.",
  ),
  min_similarity: z.number().min(0).max(1).describe(
    "Facts less similar than this are not recalled; only with an embedding_model.",
  ),
  facts: z.boolean().describe("Learn facts about users. A `model` must be there."),
  on_failure: z.enum(["skip", "fail"]).describe(
    "When the memory cannot be read: answer without it, or refuse the request with 503.",
  ),
};

/** What may differ between routes and models. */
export const memoryPolicySchema = z.union([z.boolean(), z.strictObject(fields).partial()]).describe(
  "Remember conversations and users for requests to this name: `true` for what [memory] says, or settings that differ from it; `false` where [memory] has everything = true.",
);

export const memorySchema = z.strictObject({
  window_tokens: fields.window_tokens.default(4_000),
  recall_tokens: fields.recall_tokens.default(800),
  recall_limit: fields.recall_limit.default(8),
  half_life_days: fields.half_life_days.default(30),
  recency_weight: fields.recency_weight.default(0.3),
  min_similarity: fields.min_similarity.default(0.25),
  facts: fields.facts.default(true),
  on_failure: fields.on_failure.default("skip"),
  everything: z.boolean().default(false).describe(
    "Remember for every name that does not say otherwise, and not only where a route or a model has `memory`.",
  ),
  model: z.string().min(1).max(256).optional().describe(
    "The model that writes summaries and facts, as clients would ask for it; callers need the right to it. Without it nothing is condensed or learnt.",
  ),
  embedding_model: z.string().min(1).max(256).optional().describe(
    "The model that makes vectors of facts and questions. Without it facts are found by their words.",
  ),
  learn_after_seconds: z.number().min(0).max(86_400).default(30).describe(
    "Seconds of silence in a conversation after which facts are looked for in it.",
  ),
  summary_tokens: z.number().int().min(50).max(100_000).default(500).describe("Most tokens of a summary."),
  recall_timeout_ms: z.number().int().min(1).max(60_000).default(1_000).describe(
    "Longest wait for the memory before a request goes on (see on_failure), in milliseconds.",
  ),
  retries: z.number().int().min(0).max(1_000).default(10).describe(
    "Most retries, ever further apart, of a summary that fails; the turns stay, and the next one tries again.",
  ),
  retention_days: z.number().min(0).max(36_500).default(90).describe(
    "Days after the last turn for which a conversation is kept; 0 is for ever.",
  ),
  facts_retention_days: z.number().min(0).max(36_500).default(365).describe(
    "Days after which a fact that was not heard again goes; 0 is never.",
  ),
  max_items: z.number().int().min(2).max(100_000).default(2_000).describe(
    "Most items (messages, calls, results) of a conversation; the oldest go first.",
  ),
  max_bytes: z.number().int().min(1_024).max(1_073_741_824).default(8_388_608).describe(
    "Most bytes of a conversation's items; the oldest go first.",
  ),
  sweep_minutes: z.number().min(0.01).max(10_080).default(60).describe(
    "Minutes between two looks for what has been kept long enough.",
  ),
}).describe(
  "What the gateway remembers of conversations and users. It is used where a route or a model has `memory`, and by /v1/conversations.",
);

export const conversationSchema = z.looseObject({
  id: z.string(),
  object: z.literal("conversation"),
  created_at: z.number().int().describe("Seconds since the epoch."),
  metadata: z.record(z.string(), z.string()),
});

const metadata = z.record(z.string().max(64), z.string().max(512)).refine(
  (value) => Object.keys(value).length <= 16,
  "must have at most 16 entries",
);
const items = z.array(responseItemSchema).max(20).describe("Up to 20 items, oldest first.");

export const createConversationSchema = z.looseObject({
  items: items.nullish(),
  metadata: metadata.nullish(),
});
export const updateConversationSchema = z.looseObject({ metadata: metadata.nullable() });
export const createItemsSchema = z.looseObject({ items });
export const deletedConversationSchema = z.looseObject({
  id: z.string(),
  object: z.literal("conversation.deleted"),
  deleted: z.literal(true),
});

/** A conversation as administrators see it. */
export const keptConversationSchema = z.strictObject({
  object: z.literal("memory.conversation"),
  id: z.string(),
  tenant: z.string(),
  user: z.string().nullable(),
  metadata: z.record(z.string(), z.string()),
  created_at: z.string().describe("ISO 8601."),
  updated_at: z.string().describe("ISO 8601; when somebody last spoke."),
  items: z.number().int().describe("How many items there have been."),
  summary: z.string(),
});

export const factSchema = z.strictObject({
  object: z.literal("memory.fact"),
  id: z.string(),
  tenant: z.string(),
  user: z.string().nullable(),
  kind: z.enum(["fact", "summary"]),
  text: z.string(),
  conversation: z.string().describe("Where it was last heard."),
  created_at: z.string().describe("ISO 8601."),
  seen_at: z.string().describe("ISO 8601; when it was last heard."),
});

export type MemorySettings = z.infer<typeof memorySchema>;
/** What holds for one request. */
export type MemoryPolicy = Pick<MemorySettings, keyof typeof fields>;
export type MemoryPolicySettings = z.infer<typeof memoryPolicySchema>;
export type KeptConversation = z.infer<typeof keptConversationSchema>;
export type Fact = z.infer<typeof factSchema>;
