/** The books: what every request used and cost (`intellirouter usage`, `GET /admin/v1/usage`). */
import { z } from "zod";
import { attemptSchema } from "./decision.ts";

const count = z.number().int().min(0);

export const usageRecordSchema = z.strictObject({
  id: z.string().describe("The decision record's id."),
  time: count.describe("Arrival of the request, in milliseconds since the epoch."),
  request_id: z.string(),
  operation: z.string(),
  model: z.string().describe("The name the client asked for."),
  route: z.string().nullable(),
  target: z.string().nullable().describe("The `provider/model` that served; null when none did."),
  key: z.string().describe("Id of the caller's key."),
  team: z.string().nullable(),
  organisation: z.string().nullable(),
  user: z.string().nullable().describe("The end user that the client named."),
  stream: z.boolean(),
  cached: z.boolean().describe("Answered from the gateway's own cache; it cost nothing."),
  outcome: z.enum(["ok", "error", "cancelled", "truncated", "lost"]).describe(
    "`lost`: the gateway ended before the request did; its cost is what was set aside for it.",
  ),
  status: z.number().int().describe("The HTTP status sent to the client; 0 when lost."),
  input_tokens: count.describe("All tokens of the prompt, cached ones included."),
  cached_tokens: count.describe("Those of them that the backend read from its cache."),
  cache_write_tokens: count.describe("Those of them that the backend wrote to its cache."),
  output_tokens: count.describe("All tokens of the answer, reasoning included."),
  reasoning_tokens: count,
  estimated: z.boolean().describe("The backend gave no usage: the counts are the gateway's estimate."),
  nanodollars: count.nullable().describe(
    "The cost in thousand-millionths of a US dollar; null when the price is unknown.",
  ),
  price_version: z.string().nullable().describe("Which price the cost was reckoned with."),
  first_token_ms: z.number().nullable().describe("From arrival to the first token."),
  total_ms: z.number().describe("From arrival to the last byte."),
  gateway_ms: z.number().describe("The part of it that no backend was waited for."),
  attempts: z.array(attemptSchema).describe("Every call of a backend, in order."),
});

/** What usage can be summed up by. */
export const usageGroupSchema = z.enum([
  "key",
  "team",
  "organisation",
  "user",
  "model",
  "route",
  "target",
  "operation",
  "outcome",
  "hour",
  "day",
  "month",
]);

export const usageSumSchema = z.strictObject({
  group: z.record(z.string(), z.string().nullable()).describe("The values that these requests share."),
  requests: count,
  errors: count.describe("Requests without a whole answer."),
  input_tokens: count,
  cached_tokens: count,
  cache_write_tokens: count,
  output_tokens: count,
  reasoning_tokens: count,
  estimated: count.describe("Requests whose counts are estimates."),
  unpriced: count.describe("Requests whose price is unknown; they are not in the cost."),
  cost_usd: z.number(),
});

export type UsageRecord = z.infer<typeof usageRecordSchema>;
export type UsageGroup = z.infer<typeof usageGroupSchema>;
export type UsageSum = z.infer<typeof usageSumSchema>;
