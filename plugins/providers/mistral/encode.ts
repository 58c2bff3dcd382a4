import type { CallContext, ChatCompletionRequest, EmbeddingRequest } from "intellirouter/plugin";
import { readTools, type ToolPlan } from "../hub/function-tools.ts";
import { asObject, asText, given, isObject, type Loose, objectsOf } from "../hub/loose.ts";
import { type Lose, loseTo } from "../hub/losses.ts";
import { invalid, unsupported } from "../hub/refuse.ts";
import { loseUncarried } from "../hub/uncarried-fields.ts";
import { encodeMessages } from "./encode-messages.ts";
import type { MistralOptions } from "./options.ts";

/** Fields that are the API's own, by the same name, and go as they are. */
const forwarded = [
  "temperature",
  "top_p",
  "presence_penalty",
  "frequency_penalty",
  "stop",
  "n",
  "metadata",
  "prompt_mode",
  "prompt_cache_key",
  "guardrails",
  "document_image_limit",
  "document_page_limit",
];

/** Fields that have a place in the body under another name or in another form. */
const carried = new Set([
  ...forwarded,
  "max_tokens",
  "max_completion_tokens",
  "seed",
  "random_seed",
  "safe_prompt",
  "tools",
  "tool_choice",
  "parallel_tool_calls",
  "response_format",
  "reasoning_effort",
  "prediction",
  "service_tier",
]);

/**
 * A chat request as Mistral takes it: it refuses every field that it does not know (422), so only what it knows is sent. The given
 * one is not changed. Every loss is told.
 */
export function encodeRequest(
  request: ChatCompletionRequest,
  options: MistralOptions,
  stream: boolean,
  reportLoss: CallContext["reportLoss"],
): Loose {
  const lose = loseTo(reportLoss);
  loseUncarried(request, carried, lose);
  return {
    model: request.model,
    messages: encodeMessages(request.messages, lose),
    ...Object.fromEntries(forwarded.flatMap((field) => Object.entries(given(field, request[field])))),
    ...given("max_tokens", request.max_completion_tokens ?? request.max_tokens),
    ...given("random_seed", request.random_seed ?? request.seed),
    ...toolFields(readTools(request), request, lose),
    ...responseFormat(request),
    ...reasoning(request, lose),
    ...prediction(request),
    ...serviceTier(request, lose),
    ...safePrompt(request, options),
    ...(stream ? { stream: true } : {}),
  };
}

function toolFields(plan: ToolPlan, request: ChatCompletionRequest, lose: Lose): Loose {
  const { functions, natives, choice } = plan;
  const tools = [
    ...functions.map(({ name, description, parameters, strict, cacheControl, field }) => {
      if (cacheControl !== undefined) {
        lose(`${field}.cache_control`, "dropped", "the API caches by itself, and knows no marks");
      }
      const made = { name, ...given("description", description), parameters, ...(strict ? { strict } : {}) };
      return { type: "function", function: made };
    }),
    ...natives.map(({ tool }) => tool),
  ];
  if (tools.length === 0) return {};
  const { parallel_tool_calls: parallel } = request;
  return {
    tools,
    ...given("tool_choice", choiceField(choice)),
    ...(typeof parallel === "boolean" ? { parallel_tool_calls: parallel } : {}),
  };
}

function choiceField(choice: ToolPlan["choice"]): unknown {
  switch (choice.mode) {
    case "auto":
      return undefined;
    case "none":
      return "none";
    case "required":
      return "any";
    case "named":
      return { type: "function", function: { name: choice.name } };
  }
}

function responseFormat({ response_format: format }: ChatCompletionRequest): Loose {
  if (format === undefined || format === null || format.type === "text") return {};
  if (format.type === "json_object") return { response_format: { type: "json_object" } };
  if (format.type !== "json_schema") {
    throw unsupported("response_format.type", `This backend has no format "${format.type}".`);
  }
  const { name, description, schema, strict } = asObject(format.json_schema);
  if (!isObject(schema)) {
    throw invalid("response_format.json_schema.schema", "A schema is needed.", "missing_required_parameter");
  }
  return {
    response_format: {
      type: "json_schema",
      json_schema: {
        name: asText(name) || "answer",
        ...given("description", description),
        schema,
        ...given("strict", strict),
      },
    },
  };
}

function reasoning({ model, reasoning_effort: effort }: ChatCompletionRequest, lose: Lose): Loose {
  if (effort === undefined || effort === null) return {};
  if (/magistral/.test(model)) {
    lose("reasoning_effort", "dropped", "this model always thinks as much as it will");
    return {};
  }
  if (effort !== "max") return { reasoning_effort: effort };
  lose("reasoning_effort", "approximated", "sent as xhigh, the most here");
  return { reasoning_effort: "xhigh" };
}

/** Mistral takes the expected text whole. */
function prediction({ prediction: given }: ChatCompletionRequest): Loose {
  if (!isObject(given)) return {};
  const { content } = given;
  const text = typeof content === "string"
    ? content
    : objectsOf(content).map((part) => asText(part.text)).join("");
  return { prediction: { type: "content", content: text } };
}

/** Priority capacity is used where it is bought (`auto`), or not (`standard_only`); it cannot be asked for. */
function serviceTier({ service_tier: tier }: ChatCompletionRequest, lose: Lose): Loose {
  switch (tier) {
    case undefined:
    case null:
      return {};
    case "auto":
    case "standard_only":
      return { service_tier: tier };
    case "default":
      return { service_tier: "standard_only" };
    case "priority":
      lose("service_tier", "approximated", "priority is used as far as it is bought");
      return { service_tier: "auto" };
    default:
      lose("service_tier", "dropped", "the API has no such tier");
      return {};
  }
}

function safePrompt(
  { safe_prompt: asked }: ChatCompletionRequest,
  { safe_prompt: always }: MistralOptions,
): Loose {
  const value = typeof asked === "boolean" ? asked : always;
  return value ? { safe_prompt: true } : {};
}

/** @throws {UpstreamError} where the input is not text: these models count tokens of their own. */
export function encodeEmbedding(request: EmbeddingRequest, reportLoss: CallContext["reportLoss"]): Loose {
  const lose = loseTo(reportLoss);
  const texts = typeof request.input === "string" ? [request.input] : request.input;
  if (!texts.every((text) => typeof text === "string")) {
    throw unsupported("input", "This backend embeds text, not tokens.");
  }
  const known = new Set([
    "model",
    "input",
    "encoding_format",
    "dimensions",
    "output_dimension",
    "user",
    "metadata",
  ]);
  for (const [field, value] of Object.entries(request)) {
    if (!known.has(field) && value !== null && value !== undefined) {
      lose(field, "dropped", "the API has no such field");
    }
  }
  return {
    model: request.model,
    input: request.input,
    ...given("output_dimension", request.output_dimension ?? request.dimensions),
    ...given("metadata", request.metadata),
  };
}
