/** The decision record that every request leaves (`GET /admin/v1/decisions/{id}`, `intellirouter explain`). */
import { z } from "zod";

/** The filters that can remove a candidate, in the order in which they are asked. */
export const filterSchema = z.enum([
  "unknown",
  "hint",
  "permission",
  "operation",
  "capability",
  "context_length",
  "price",
  "health",
  "strategy",
  "limit",
  "budget",
]);

export const candidateSchema = z.strictObject({
  target: z.string().describe("`provider/model`."),
  removed_by: filterSchema.optional().describe("The filter that removed it; absent for those that stayed."),
  reason: z.string().optional().describe("Why, in words."),
  rank: z.number().int().min(1).optional().describe("Place in the order of tries; 1 is tried first."),
  score: z.number().optional().describe("The strategy's score, higher is better."),
  propensity: z.number().optional().describe("Probability with which the strategy put it first."),
});

export const attemptSchema = z.strictObject({
  target: z.string(),
  span_id: z.string().optional().describe("The call's span, which the backend was told in `traceparent`."),
  outcome: z.enum(["ok", "error", "cancelled", "truncated"]),
  error: z.string().optional().describe("The kind of error."),
  message: z.string().optional(),
  status: z.number().int().optional().describe("The backend's HTTP status."),
  start_ms: z.number().describe("Milliseconds from the request's arrival to the dispatch."),
  first_token_ms: z.number().optional().describe("Milliseconds from dispatch to the first token."),
  duration_ms: z.number().describe("Milliseconds from dispatch to the end."),
  prompt_tokens: z.number().int().optional().describe(
    "Estimate of what a failed attempt used that its backend may bill: it had the prompt and gave no answer in time, or none that is one.",
  ),
  cost_usd: z.number().optional().describe("What those cost; part of the request's cost."),
  price_version: z.string().optional(),
});

export const lossSchema = z.strictObject({
  target: z.string().describe("The target whose protocol could not carry it."),
  field: z.string().describe("Path in the client's terms, such as `messages[2].content[0]`."),
  effect: z.enum(["dropped", "approximated"]),
  detail: z.string().describe("Why, and what was done instead."),
});

export const traceSchema = z.strictObject({
  trace_id: z.string(),
  span_id: z.string().optional().describe("The request's own span; absent where tracing is off."),
  parent_span_id: z.string().optional().describe("The client's span, when it sent a `traceparent`."),
  sampled: z.boolean(),
});

export const stageNoteSchema = z.strictObject({
  stage: z.string().describe("persona, guardrail, memory, retrieval."),
  name: z.string().optional().describe("Which one, as it is called in the configuration."),
  action: z.string().describe("What was done, in a word: applied, passed, replaced, blocked, recalled."),
  detail: z.string().optional().describe("In a few words, without anything that the client has written."),
});

export const decisionSchema = z.strictObject({
  id: z.string().describe("Named by the response header x-intellirouter-decision."),
  time: z.string().describe("Arrival of the request, ISO 8601 in UTC."),
  request_id: z.string(),
  operation: z.string().describe("chat, messages, count_tokens, responses, completions or embeddings."),
  model: z.string().describe("The name the client asked for."),
  route: z.string().optional(),
  route_index: z.number().int().optional().describe(
    "The route's place among [[routes]], from 0: several may have one name.",
  ),
  passed_over: z.array(z.strictObject({
    route: z.string(),
    index: z.number().int().describe("Place among [[routes]], from 0."),
    reason: z.string().describe("The condition, and whether it was false or could not be told."),
  })).optional().describe("Routes that came before and whose condition did not hold."),
  strategy: z.string().optional(),
  principal: z.string().describe("Id of the caller's key."),
  team: z.string().optional(),
  organisation: z.string().optional(),
  user: z.string().optional().describe("The end user that the client named."),
  stream: z.boolean(),
  downgraded_to: z.string().optional().describe(
    "The model that was asked in its place, because a budget could not pay it.",
  ),
  policy: z.string().describe("Hash of the routing part of the configuration that decided."),
  candidates: z.array(candidateSchema),
  attempts: z.array(attemptSchema),
  target: z.string().optional().describe("The target that served, if one did."),
  outcome: z.enum(["ok", "error", "cancelled", "truncated"]),
  status: z.number().int().describe("The HTTP status sent to the client."),
  error: z.string().optional(),
  error_code: z.string().optional().describe("The `code` of the error that the client got."),
  usage: z.strictObject({
    prompt_tokens: z.number().int(),
    completion_tokens: z.number().int(),
    cached_tokens: z.number().int(),
    cache_write_tokens: z.number().int(),
    reasoning_tokens: z.number().int(),
    estimated: z.boolean().describe("The backend gave no usage; the counts are the gateway's estimate."),
  }).optional(),
  cost_usd: z.number().optional().describe(
    "Of all attempts, also of failed ones that their backends may bill. Absent when the price is unknown.",
  ),
  price_version: z.string().optional().describe("Which price the cost was reckoned with."),
  cached: z.boolean().optional().describe("Answered from the gateway's own cache."),
  parent: z.string().optional().describe(
    "The decision of the request on whose behalf the gateway made this one itself.",
  ),
  purpose: z.string().optional().describe("What the gateway made it for, when it did."),
  stages: z.array(stageNoteSchema).optional().describe(
    "What personas, guardrails, memory and retrieval did with it, in order.",
  ),
  losses: z.array(lossSchema).optional().describe("What a translation could not carry over as it was."),
  trace: traceSchema.optional(),
  chunks: z.strictObject({
    count: z.number().int().describe("Pieces after the first token."),
    mean_ms: z.number().describe("Mean wait for one of them."),
    max_ms: z.number().describe("The longest such wait."),
  }).optional().describe("How a streamed answer flowed, in milliseconds that its client waited."),
  timing: z.strictObject({
    queue_ms: z.number().describe("From arrival to the first dispatch."),
    first_token_ms: z.number().optional().describe("From arrival to the first token."),
    total_ms: z.number().describe("From arrival to the last byte."),
    gateway_ms: z.number().describe("The part of it that no backend was waited for."),
  }),
});

export type Filter = z.infer<typeof filterSchema>;
export type Candidate = z.infer<typeof candidateSchema>;
export type Loss = z.infer<typeof lossSchema>;
export type AttemptRecord = z.infer<typeof attemptSchema>;
export type Decision = z.infer<typeof decisionSchema>;
