/** Guardrails: `[[guardrails]]` of the settings. */
import { z } from "zod";

export const guardrailName = z.string().regex(
  /^[a-z0-9][a-z0-9_-]{0,63}$/,
  "must be lower-case letters, digits, dashes and underscores",
);

export const guardrailNames = z.array(guardrailName).max(64);

export const guardrailSchema = z.strictObject({
  name: guardrailName.describe("Names it in routes, personas, metrics and records."),
  kind: z.string().min(1).describe("The guardrail plugin."),
  options: z.record(z.string(), z.unknown()).default({}).describe("Options of the plugin."),
  applies_to: z.enum(["input", "output", "both"]).default("both").describe(
    "`input`: what goes to models; `output`: what comes from them.",
  ),
  roles: z.array(z.enum(["system", "user", "assistant", "tool"])).min(1).optional().describe(
    "Whose texts of a request it looks at; all of them when absent. A persona's own words are not looked at.",
  ),
  turns: z.enum(["all", "last"]).optional().describe(
    "Of a request: `all` of its texts, or what is new since the `last` answer. Absent: all where a text is looked through, the last where a model is asked.",
  ),
  everywhere: z.boolean().default(false).describe(
    "For every request, and not only where a route, model, persona or key names it.",
  ),
  mode: z.enum(["enforce", "shadow"]).default("enforce").describe(
    "`shadow`: what it says is counted and recorded, and nothing else happens.",
  ),
  on_block: z.enum(["error", "refusal"]).default("error").describe(
    "What a client gets for what is blocked: an error with status 400 and code `content_blocked`, or an answer that refuses, in its protocol's own form.",
  ),
  message: z.string().min(1).max(2_000).default("This content is not allowed here.").describe(
    "What the client is told. The reason is in the decision record.",
  ),
  on_error: z.enum(["block", "pass"]).default("block").describe("When it fails or takes too long."),
  timeout_ms: z.number().int().min(1).max(600_000).default(10_000).describe(
    "Longest time for one text, in milliseconds.",
  ),
}).describe("A rule for what goes to models and what comes from them.");

export const hiddenTextSchema = z.strictObject({
  input: z.boolean().default(true).describe("Take it out of requests, results of tools included."),
  output: z.boolean().default(true).describe("Take it out of answers."),
}).describe(
  "Characters that nobody sees and models read: tags, zero-width characters, bidirectional controls, stray variation selectors. Emoji and scripts keep what they need.",
);

export type GuardrailSettings = z.infer<typeof guardrailSchema>;
