import type { CallContext, ChatCompletionRequest } from "intellirouter/plugin";
import { readTools } from "../hub/function-tools.ts";
import type { InlineFiles } from "../hub/inline-files.ts";
import { asObject, asText, given, type Loose } from "../hub/loose.ts";
import { type Lose, loseTo } from "../hub/losses.ts";
import { withDescription } from "../hub/output-schema.ts";
import { loseUncarried } from "../hub/uncarried-fields.ts";
import type { Block } from "./encode-context.ts";
import { planFormat } from "./encode-format.ts";
import { encodeConversation } from "./encode-messages.ts";
import { planSampling, planStops, samplingFields } from "./encode-sampling.ts";
import { planThinking, type ThinkingPlan } from "./encode-thinking.ts";
import { encodeTools } from "./encode-tools.ts";
import { modelTraits } from "./model-traits.ts";
import type { AnthropicOptions } from "./options.ts";

/** Fields that are the API's own, by the same name, and go as they are. */
const forwarded = [
  "cache_control",
  "container",
  "context_management",
  "diagnostics",
  "fallbacks",
  "inference_geo",
  "mcp_servers",
  "speed",
];

/** Fields that have a place in the body. */
const carried = new Set([
  ...forwarded,
  "max_tokens",
  "max_completion_tokens",
  "temperature",
  "top_p",
  "top_k",
  "stop",
  "tools",
  "tool_choice",
  "parallel_tool_calls",
  "response_format",
  "reasoning_effort",
  "thinking",
  "output_config",
  "service_tier",
  "web_search_options",
  "user",
  "safety_identifier",
  "metadata",
]);

export interface EncodedRequest {
  readonly body: Loose;
  /** The tool whose input is the answer, where the answer is held to a schema by one. */
  readonly answerTool: string | undefined;
}

export interface EncodeOptions {
  readonly options: AnthropicOptions;
  readonly files: InlineFiles;
  readonly stream: boolean;
  readonly reportLoss: CallContext["reportLoss"];
}

/**
 * A chat request as one of Anthropic's Messages API; the given one is not changed. Every loss is told.
 *
 * @throws {UpstreamError} where the API could not give what is asked for.
 */
export function encodeRequest(request: ChatCompletionRequest, settings: EncodeOptions): EncodedRequest {
  const { options, files, stream, reportLoss } = settings;
  const lose = loseTo(reportLoss);
  loseUncarried(request, carried, lose);
  const traits = modelTraits(request.model);
  const { system, turns } = encodeConversation(request.messages, { options, traits, files, lose });
  const plan = readTools(request);
  const format = planFormat(request, { traits, options, tools: plan, lose });
  const { answerTool } = format;
  const tools = encodeTools(request, { traits, plan, answerTool, lose });
  const maxTokens = request.max_completion_tokens ?? request.max_tokens ?? options.default_max_tokens ??
    traits.maxOutputTokens;
  const thinking = planThinking(request, { traits, options, lose, maxTokens, isForced: tools.isForced });
  const stops = planStops(request, lose);
  const instructions = [tools.instruction, format.instruction].filter((text) => text !== undefined);
  const body = {
    model: request.model,
    max_tokens: maxTokens,
    ...systemField([...system, ...instructions.map((text) => ({ type: "text", text }))]),
    messages: turns.map(({ role, content }) => ({ role, content: plainContent(content) })),
    ...samplingFields(planSampling(request, traits, thinking.isOn, lose)),
    ...(stops.length === 0 ? {} : { stop_sequences: stops }),
    ...(tools.tools.length === 0 ? {} : { tools: tools.tools }),
    ...given("tool_choice", tools.choice),
    ...given("thinking", thinking.thinking),
    ...outputConfig(request, thinking, format.schema),
    ...metadata(request, lose),
    ...serviceTier(request, lose),
    ...Object.fromEntries(forwarded.flatMap((field) => Object.entries(given(field, request[field])))),
    ...(stream ? { stream: true } : {}),
  };
  return { body, answerTool: answerTool?.name };
}

/** One block of bare text is the same as its text. */
function plainContent(blocks: readonly Block[]): unknown {
  const [only] = blocks;
  return blocks.length === 1 && only?.type === "text" && Object.keys(only).length === 2 ? only.text : blocks;
}

function systemField(blocks: readonly Block[]): Loose {
  return blocks.length === 0 ? {} : { system: plainContent(blocks) };
}

function outputConfig(
  request: ChatCompletionRequest,
  thinking: ThinkingPlan,
  schema: Loose | undefined,
): Loose {
  const { description } = asObject(asObject(request.response_format).json_schema);
  const config = {
    ...asObject(request.output_config),
    ...given("effort", thinking.effort),
    ...(schema === undefined
      ? {}
      : { format: { type: "json_schema", schema: withDescription(schema, description) } }),
  };
  return Object.keys(config).length === 0 ? {} : { output_config: config };
}

/** The API takes an opaque id of the end user, to find abuse, and nothing else. */
function metadata(request: ChatCompletionRequest, lose: Lose): Loose {
  const { user_id: id, ...labels } = asObject(request.metadata);
  const [user = "", ...others] = [request.safety_identifier, request.user, id].map(asText).filter(Boolean);
  if (others.some((other) => other !== user)) lose("user", "dropped", "the API takes one id of a user");
  if (Object.keys(labels).length > 0) lose("metadata", "dropped", "the API takes the id of a user alone");
  return user === "" ? {} : { metadata: { user_id: user } };
}

/** Priority capacity is used where it is bought (`auto`), or not (`standard_only`); it cannot be asked for. */
function serviceTier(request: ChatCompletionRequest, lose: Lose): Loose {
  const { service_tier: tier } = request;
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

/** Whether the API would not fetch a file itself. */
export function isFetchedHere(url: string): boolean {
  // Anthropic fetches from https alone.
  return /^http:/i.test(url);
}
