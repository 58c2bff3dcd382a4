import { z } from "zod";

/** Endpoints of the OpenAI protocol that are handed on as they are. */
export const forwardPaths = [
  "/moderations",
  "/images/generations",
  "/images/edits",
  "/images/variations",
  "/audio/speech",
  "/audio/transcriptions",
  "/audio/translations",
] as const;

/** Options of every provider that speaks the OpenAI protocol. */
export const openAiCompatibleOptions = z.strictObject({
  base_url: z.string()
    .regex(
      /^https?:\/\/[^\s/?#@]+(\/[^\s?#]*)?$/,
      'must be an http or https URL without user name, query or fragment, such as "http://127.0.0.1:8080/v1"',
    )
    .describe('Address of the API, up to and without "/chat/completions".'),
  headers: z.record(
    z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/, "must be the name of a header"),
    z.string().regex(/^[\t\x20-\x7e]*$/, "must be printable ASCII on one line"),
  ).default({}).describe("Further request headers."),
  organization: z.string().optional().describe("Sent as OpenAI-Organization."),
  project: z.string().optional().describe("Sent as OpenAI-Project."),
  stream_usage: z.boolean().default(true).describe(
    "Ask for token counts at the end of streams (stream_options.include_usage).",
  ),
  max_tokens_field: z.enum(["as_sent", "max_tokens", "max_completion_tokens"]).default("as_sent")
    .describe(
      "The field for the limit of an answer that the backend knows; the other spelling is renamed to it.",
    ),
  cache_marks: z.boolean().default(false).describe(
    "The backend takes cache_control marks; clients of Anthropic's protocol put them on what is worth keeping.",
  ),
  forward: z.array(z.enum(forwardPaths)).default([]).describe(
    "Further endpoints that the backend has, whose requests are handed on as they are.",
  ),
  drop_fields: z.array(z.string()).default([]).describe(
    "Request fields that the backend refuses, removed before sending.",
  ),
  reasoning_replay: z.enum(["none", "details", "text"]).default("none").describe(
    "How the backend wants back what it thought in earlier turns: as reasoning_details, as the text reasoning_content, or not.",
  ),
  responses_api: z.boolean().default(false).describe(
    "The backend has /responses itself; otherwise clients of that protocol are served by its chat completions, translated.",
  ),
});

export type OpenAiCompatibleOptions = z.output<typeof openAiCompatibleOptions>;

/** The same options with a vendor's address, which then need not be given. */
export function optionsWithDefaults(defaults: Partial<z.input<typeof openAiCompatibleOptions>>) {
  const { shape } = openAiCompatibleOptions;
  return openAiCompatibleOptions.extend({
    base_url: defaults.base_url === undefined ? shape.base_url : shape.base_url.default(defaults.base_url),
    stream_usage: shape.stream_usage.unwrap().default(defaults.stream_usage ?? true).describe(
      shape.stream_usage.description ?? "",
    ),
    max_tokens_field: shape.max_tokens_field.unwrap().default(defaults.max_tokens_field ?? "as_sent")
      .describe(shape.max_tokens_field.description ?? ""),
    reasoning_replay: shape.reasoning_replay.unwrap().default(defaults.reasoning_replay ?? "none").describe(
      shape.reasoning_replay.description ?? "",
    ),
    cache_marks: shape.cache_marks.unwrap().default(defaults.cache_marks ?? false).describe(
      shape.cache_marks.description ?? "",
    ),
    forward: shape.forward.unwrap().default(defaults.forward ?? []).describe(shape.forward.description ?? ""),
    drop_fields: shape.drop_fields.unwrap().default(defaults.drop_fields ?? []).describe(
      shape.drop_fields.description ?? "",
    ),
    responses_api: shape.responses_api.unwrap().default(defaults.responses_api ?? false).describe(
      shape.responses_api.description ?? "",
    ),
  });
}
