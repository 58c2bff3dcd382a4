import type { CallContext, ChatCompletionRequest } from "intellirouter/plugin";
import { type FormatPlan, planFormat } from "../anthropic/encode-format.ts";
import { planSampling, planStops, type Sampling } from "../anthropic/encode-sampling.ts";
import { CallIds } from "../hub/call-ids.ts";
import { readTools } from "../hub/function-tools.ts";
import type { InlineFiles } from "../hub/inline-files.ts";
import { asObject, asText, given, type Loose } from "../hub/loose.ts";
import { type Lose, loseTo } from "../hub/losses.ts";
import { loseUncarried } from "../hub/uncarried-fields.ts";
import { type EffortPlan, planEffort } from "./encode-effort.ts";
import { encodeConversation } from "./encode-messages.ts";
import { makeDocumentNames } from "./encode-parts.ts";
import { encodeTools } from "./encode-tools.ts";
import { type FamilyTraits, familyTraits } from "./model-family.ts";
import type { BedrockOptions } from "./options.ts";

/** Fields that are the API's own, by the same name, and go as they are. */
const forwarded = [
  "additionalModelResponseFieldPaths",
  "guardrailConfig",
  "performanceConfig",
  "promptVariables",
];

/** Fields that have a place in the body. */
const carried = new Set([
  ...forwarded,
  "additionalModelRequestFields",
  "requestMetadata",
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
  "service_tier",
  "user",
  "safety_identifier",
  "metadata",
]);

/** The API's pattern allows 64 characters. */
const longestCallId = 64;

/** Left for the answer where a model thinks within a budget and the request sets no limit. */
const roomForAnswer = 16_384;

export interface EncodedRequest {
  readonly body: Loose;
  /** The tool whose input is the answer, where the answer is held to a schema by one. */
  readonly answerTool: string | undefined;
}

export interface EncodeOptions {
  readonly options: BedrockOptions;
  readonly files: InlineFiles;
  readonly reportLoss: CallContext["reportLoss"];
}

/**
 * A chat request as one of the Converse API; the given one is not changed. Every loss is told.
 *
 * @throws {UpstreamError} where the API could not give what is asked for.
 */
export function encodeRequest(request: ChatCompletionRequest, settings: EncodeOptions): EncodedRequest {
  const { options, files, reportLoss } = settings;
  const lose = loseTo(reportLoss);
  loseUncarried(request, carried, lose);
  const traits = familyTraits(request.model);
  const ids = new CallIds(longestCallId, traits.shortCallIds);
  const documentName = makeDocumentNames();
  const { system, turns } = encodeConversation(request.messages, { traits, files, ids, lose, documentName });
  const plan = readTools(request);
  const { structuredOutput } = traits;
  const format = planFormat(request, {
    traits: { structuredOutput, forcedTools: traits.forcedTools !== "no" },
    options,
    tools: plan,
    lose,
  });
  const { answerTool } = format;
  const tools = encodeTools(request, { traits, plan, answerTool, lose });
  const limit = request.max_completion_tokens ?? request.max_tokens ?? options.default_max_tokens;
  const effort = planEffort(request, { traits, options, lose, maxTokens: limit, isForced: tools.isForced });
  const sampling = planSampling(
    request,
    traits.claude ?? { sampling: "both" },
    isFixed(traits, effort),
    lose,
  );
  const instructions = [tools.instruction, format.instruction].filter((text) => text !== undefined);
  const systemBlocks = [...system, ...instructions.map((text) => ({ text }))];
  const config = inferenceConfig(limit ?? limitFor(effort, traits), sampling, planStops(request, lose));
  const fields = modelFields(request, { traits, effort, sampling, choice: tools.nativeChoice, lose });
  const body = {
    messages: turns,
    ...(systemBlocks.length === 0 ? {} : { system: systemBlocks }),
    ...(Object.keys(config).length === 0 ? {} : { inferenceConfig: config }),
    ...given("toolConfig", tools.config),
    ...(Object.keys(fields).length === 0 ? {} : { additionalModelRequestFields: fields }),
    ...outputConfig(request, format),
    ...guardrail(options),
    ...serviceTier(request, lose),
    ...requestMetadata(request, lose),
    ...Object.fromEntries(forwarded.flatMap((field) => Object.entries(given(field, request[field])))),
  };
  return { body, answerTool: answerTool?.name };
}

/** Claude allows no chance while it thinks. */
function isFixed({ claude }: FamilyTraits, { isThinking }: EffortPlan): boolean {
  return claude !== undefined && isThinking;
}

function limitFor({ budget }: EffortPlan, { claude }: FamilyTraits): number | undefined {
  if (budget === undefined) return undefined;
  return Math.min(budget + roomForAnswer, claude?.maxOutputTokens ?? Infinity);
}

function inferenceConfig(
  maxTokens: number | undefined,
  { temperature, topP }: Sampling,
  stops: readonly string[],
): Loose {
  return {
    ...given("maxTokens", maxTokens),
    ...given("temperature", temperature),
    ...given("topP", topP),
    ...(stops.length === 0 ? {} : { stopSequences: stops }),
  };
}

interface ModelFieldsContext {
  readonly traits: FamilyTraits;
  readonly effort: EffortPlan;
  readonly sampling: Sampling;
  readonly choice: Loose | undefined;
  readonly lose: Lose;
}

/** What the API has no field for, in the words of the model's maker. */
function modelFields(request: ChatCompletionRequest, context: ModelFieldsContext): Loose {
  const { traits, effort, sampling, choice, lose } = context;
  const own = asObject(request.additionalModelRequestFields);
  const isNova = traits.cachePoints && traits.claude === undefined;
  if (sampling.topK !== undefined && traits.claude === undefined && !isNova) {
    lose("top_k", "dropped", "this model takes no such field");
  }
  return {
    ...own,
    ...effort.fields,
    ...(effort.effort === undefined
      ? {}
      : { output_config: { ...asObject(own.output_config), effort: effort.effort } }),
    ...(sampling.topK === undefined
      ? {}
      : isNova
      ? { inferenceConfig: { topK: sampling.topK } }
      : traits.claude === undefined
      ? {}
      : { top_k: sampling.topK }),
    ...given("tool_choice", choice),
  };
}

/** The schema goes as text. */
function outputConfig(request: ChatCompletionRequest, { schema }: FormatPlan): Loose {
  if (schema === undefined) return {};
  const { name, description } = asObject(asObject(request.response_format).json_schema);
  const jsonSchema = {
    schema: JSON.stringify(schema),
    ...given("name", asText(name) || undefined),
    ...given("description", asText(description) || undefined),
  };
  return { outputConfig: { textFormat: { type: "json_schema", structure: { jsonSchema } } } };
}

function guardrail({ guardrail: chosen }: BedrockOptions): Loose {
  if (chosen === undefined) return {};
  const { identifier, version, trace } = chosen;
  return {
    guardrailConfig: { guardrailIdentifier: identifier, guardrailVersion: version, trace },
  };
}

function serviceTier(request: ChatCompletionRequest, lose: Lose): Loose {
  const { service_tier: tier } = request;
  if (tier === undefined || tier === null || tier === "auto" || tier === "default") return {};
  if (tier === "flex" || tier === "priority" || tier === "reserved") return { serviceTier: { type: tier } };
  lose("service_tier", "dropped", "the API has no such tier");
  return {};
}

/** What the API takes as a label, and how many of them. */
const label = /^[\w\s:@$#=/+,.-]{1,256}$/;
const mostLabels = 16;

/** The end user and the client's own labels go into the logs of invocations, which is the only place that the API has for them. */
function requestMetadata(request: ChatCompletionRequest, lose: Lose): Loose {
  const own = asObject(request.requestMetadata);
  const user = asText(request.user) || asText(request.safety_identifier);
  const fits = label.test(user);
  const userField = asText(request.user) === "" ? "safety_identifier" : "user";
  if (user !== "" && !fits) lose(userField, "dropped", "the API takes 256 plain characters at most");
  const room = mostLabels - Object.keys(own).length - (fits ? 1 : 0);
  const asked = Object.entries(asObject(request.metadata));
  const labels = asked.filter(([name, value]) => label.test(name) && label.test(asText(value))).slice(
    0,
    room,
  );
  if (labels.length < asked.length) {
    lose("metadata", "dropped", `the API takes ${mostLabels} labels of 256 plain characters at most`);
  }
  const metadata = { ...Object.fromEntries(labels), ...(fits ? { user } : {}), ...own };
  return Object.keys(metadata).length === 0 ? {} : { requestMetadata: metadata };
}

/** Whether the API would not fetch a file itself: it takes bytes, and addresses of its own store. */
export function isFetchedHere(url: string): boolean {
  return /^https?:/i.test(url);
}
