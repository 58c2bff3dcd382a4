import type { CallContext, ChatCompletionRequest, EmbeddingRequest } from "intellirouter/plugin";
import { readTools, type ToolPlan } from "../hub/function-tools.ts";
import type { InlineFiles } from "../hub/inline-files.ts";
import { asObject, given, isObject, type Loose } from "../hub/loose.ts";
import { type Lose, loseTo } from "../hub/losses.ts";
import { withDescription } from "../hub/output-schema.ts";
import { invalid, unsupported } from "../hub/refuse.ts";
import { loseUncarried } from "../hub/uncarried-fields.ts";
import { encodeMessages } from "./encode-messages.ts";
import type { OllamaOptions } from "./options.ts";

/** Runtime options of Ollama that clients put at the top of a request, by the same name. */
const runtimeFields = [
  "temperature",
  "top_p",
  "top_k",
  "min_p",
  "typical_p",
  "seed",
  "frequency_penalty",
  "presence_penalty",
  "repeat_penalty",
  "repeat_last_n",
  "num_ctx",
];

const carried = new Set([
  ...runtimeFields,
  "max_tokens",
  "max_completion_tokens",
  "stop",
  "logprobs",
  "top_logprobs",
  "tools",
  "tool_choice",
  "parallel_tool_calls",
  "response_format",
  "reasoning_effort",
  "think",
  "options",
  "keep_alive",
]);

export interface EncodeOptions {
  readonly options: OllamaOptions;
  readonly files: InlineFiles;
  readonly stream: boolean;
  readonly reportLoss: CallContext["reportLoss"];
}

/** A chat request as one of `/api/chat`; the given one is not changed. Every loss is told. */
export function encodeRequest(request: ChatCompletionRequest, settings: EncodeOptions): Loose {
  const { options, files, stream, reportLoss } = settings;
  const lose = loseTo(reportLoss);
  loseUncarried(request, carried, lose);
  const { fields, instruction } = encodeTools(readTools(request), lose);
  const messages = encodeMessages(request.messages, { files, lose });
  const runtime = runtimeOptions(request, options);
  return {
    model: request.model,
    messages: instruction === undefined ? messages : [...messages, { role: "system", content: instruction }],
    // It streams unless it is told not to.
    stream,
    ...fields,
    ...given("format", encodeFormat(request)),
    ...given("think", encodeThink(request, lose)),
    ...(request.logprobs === true ? { logprobs: true, ...given("top_logprobs", request.top_logprobs) } : {}),
    ...(Object.keys(runtime).length === 0 ? {} : { options: runtime }),
    ...given("keep_alive", request.keep_alive ?? options.keep_alive),
    // By itself it leaves out the oldest messages without a word.
    ...(options.truncate ? {} : { truncate: false }),
  };
}

function runtimeOptions(request: ChatCompletionRequest, options: OllamaOptions): Loose {
  const { stop } = request;
  const stops = (typeof stop === "string" ? [stop] : stop ?? []).filter((sequence) => sequence !== "");
  return {
    ...options.model_options,
    ...given("num_ctx", options.num_ctx),
    ...Object.fromEntries(runtimeFields.flatMap((field) => Object.entries(given(field, request[field])))),
    ...given("num_predict", request.max_completion_tokens ?? request.max_tokens),
    ...(stops.length === 0 ? {} : { stop: stops }),
    ...asObject(request.options),
  };
}

/** The server chooses among tools by itself; what it cannot be held to, the model is told. */
function encodeTools(
  { functions, natives, choice, single }: ToolPlan,
  lose: Lose,
): { readonly fields: Loose; readonly instruction?: string } {
  const [native] = natives;
  if (native !== undefined) {
    throw unsupported(`${native.field}.type`, `This backend has no tools of type "${native.tool.type}".`);
  }
  if (functions.length === 0 || choice.mode === "none") return { fields: {} };
  if (single) lose("parallel_tool_calls", "dropped", "the API has no way to ask for one call at a time");
  const offered = choice.mode === "named" ? functions.filter(({ name }) => name === choice.name) : functions;
  const tools = offered.map(({ name, description, parameters, strict, cacheControl, field }) => {
    if (strict) lose(`${field}.function.strict`, "dropped", "the API does not hold calls to their schemas");
    if (cacheControl !== undefined) {
      lose(`${field}.cache_control`, "dropped", "the server caches by itself, and knows no marks");
    }
    return { type: "function", function: { name, ...given("description", description), parameters } };
  });
  if (choice.mode === "auto") return { fields: { tools } };
  lose("tool_choice", "approximated", "the API cannot force a call; the model is told to make one");
  const which = choice.mode === "named" ? `the tool "${choice.name}"` : "one of the tools";
  return { fields: { tools }, instruction: `You must now call ${which}. Do not answer in any other way.` };
}

function encodeFormat({ response_format: format }: ChatCompletionRequest): unknown {
  if (format === undefined || format === null || format.type === "text") return undefined;
  if (format.type === "json_object") return "json";
  if (format.type !== "json_schema") {
    throw unsupported("response_format.type", `This backend has no format "${format.type}".`);
  }
  const { schema, description } = asObject(format.json_schema);
  if (!isObject(schema)) {
    throw invalid("response_format.json_schema.schema", "A schema is needed.", "missing_required_parameter");
  }
  return withDescription(schema, description);
}

/** gpt-oss has levels, and cannot stop thinking; the others think or do not (docs.ollama.com, "Thinking"). */
function encodeThink({ model, think, reasoning_effort: effort }: ChatCompletionRequest, lose: Lose): unknown {
  if (think !== undefined && think !== null) return think;
  if (effort === undefined || effort === null) return undefined;
  const tell = (sent: unknown) => lose("reasoning_effort", "approximated", `sent as ${sent}`);
  if (!/gpt-oss/.test(model)) {
    if (effort === "none") return false;
    tell("true");
    return true;
  }
  if (effort === "low" || effort === "medium" || effort === "high") return effort;
  const level = effort === "none" || effort === "minimal" ? "low" : "high";
  tell(level);
  return level;
}

/** @throws {UpstreamError} where the input is not text: these models count tokens of their own. */
export function encodeEmbedding(
  request: EmbeddingRequest,
  options: OllamaOptions,
  reportLoss: CallContext["reportLoss"],
): Loose {
  const lose = loseTo(reportLoss);
  const texts = typeof request.input === "string" ? [request.input] : request.input;
  if (!texts.every((text) => typeof text === "string")) {
    throw unsupported("input", "This backend embeds text, not tokens.");
  }
  const known = new Set(["model", "input", "encoding_format", "dimensions", "user", "keep_alive", "options"]);
  for (const [field, value] of Object.entries(request)) {
    if (!known.has(field) && value !== null && value !== undefined) {
      lose(field, "dropped", "the API has no such field");
    }
  }
  const runtime = {
    ...options.model_options,
    ...given("num_ctx", options.num_ctx),
    ...asObject(request.options),
  };
  return {
    model: request.model,
    input: texts,
    ...given("dimensions", request.dimensions),
    ...(Object.keys(runtime).length === 0 ? {} : { options: runtime }),
    ...given("keep_alive", request.keep_alive ?? options.keep_alive),
    ...(options.truncate ? {} : { truncate: false }),
  };
}
