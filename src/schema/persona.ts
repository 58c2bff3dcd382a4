/** Personas: `[personas.NAME]` of the settings. */
import { z } from "zod";
import { guardrailNames } from "./guardrail.ts";

const template = z.string().max(200_000);

export const personaName = z.string().regex(
  /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/,
  "must be letters, digits, dots, dashes and underscores",
);

const parametersSchema = z.strictObject({
  temperature: z.number().min(0).max(2),
  top_p: z.number().min(0).max(1),
  max_tokens: z.number().int().min(1).describe("Most tokens of an answer."),
  stop: z.array(z.string().min(1)).min(1).max(4),
  frequency_penalty: z.number().min(-2).max(2),
  presence_penalty: z.number().min(-2).max(2),
  seed: z.number().int(),
  reasoning_effort: z.enum(["none", "minimal", "low", "medium", "high", "xhigh"]),
  verbosity: z.enum(["low", "medium", "high"]),
}).partial();

export const personaSchema = z.strictObject({
  description: z.string().max(1_000).optional().describe("For people."),
  system: template.optional().describe(
    "Instructions; a template. `{{header.x-customer}}`, `{{metadata.plan}}`, `{{user}}`, `{{key.name}}`, `{{key.metadata.plan}}`, `{{key.team}}`, `{{model}}`, `{{date}}`.",
  ),
  position: z.enum(["before", "after", "replace", "default"]).default("before").describe(
    "Where they stand: before or after the client's own instructions, in their place, or only where the client has given none.",
  ),
  model: z.string().min(1).max(256).optional().describe(
    "The model, alias, route or chain that answers `persona/NAME`. Without it: the first route with a name, else the first model that can chat.",
  ),
  examples: z.array(z.strictObject({
    user: template.min(1).describe("What somebody might say; a template."),
    assistant: template.min(1).describe("What the persona answers; a template."),
  })).max(100).default([]).describe(
    "Turns that stand before the conversation, to show how the persona talks.",
  ),
  parameters: parametersSchema.default({}).describe("Used where the client says nothing of it."),
  tools: z.array(z.string().min(1).max(256)).max(1_000).optional().describe(
    "Names of the client's tools that may be offered to the model, `*` for any text; the others are taken out. Absent: all.",
  ),
  guardrails: guardrailNames.optional().describe("Guardrails of its requests."),
  variables: z.record(z.string().min(1).max(256), z.string().max(10_000)).default({}).describe(
    'What stands for a variable that a request does not have: { "header.x-customer" = "friend" }. Without it: nothing.',
  ),
  required: z.array(z.string().min(1).max(256)).max(100).default([]).describe(
    "Variables without which a request is refused with 400.",
  ),
  max_variable_length: z.number().int().min(1).max(100_000).default(1_000).describe(
    "Longest value of a variable that the client sends, in characters; a longer one is refused.",
  ),
}).describe("Who the model is: instructions, examples, parameters and tools that every request gets.");

export const personasSettingsSchema = z.record(personaName, personaSchema);

export type PersonaSettings = z.infer<typeof personaSchema>;
