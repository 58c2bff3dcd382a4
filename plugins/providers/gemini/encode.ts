import type { CallContext, ChatCompletionRequest } from "intellirouter/plugin";
import type { InlineFiles } from "../hub/inline-files.ts";
import { asObject, asText, given, type Loose } from "../hub/loose.ts";
import { loseTo } from "../hub/losses.ts";
import { isNeutral, loseUncarried } from "../hub/uncarried-fields.ts";
import type { Dialect, EncodeContext, Part } from "./encode-context.ts";
import { planGeneration } from "./encode-generation.ts";
import { encodeConversation } from "./encode-messages.ts";
import { encodeTools } from "./encode-tools.ts";
import { modelTraits } from "./model-traits.ts";
import type { GeminiModelOptions } from "./options.ts";

/** Fields that have a place in the body. */
const carried = new Set([
  "max_tokens",
  "max_completion_tokens",
  "temperature",
  "top_p",
  "top_k",
  "seed",
  "frequency_penalty",
  "presence_penalty",
  "stop",
  "logprobs",
  "top_logprobs",
  "tools",
  "tool_choice",
  "parallel_tool_calls",
  "response_format",
  "reasoning_effort",
  "modalities",
  "image_config",
  "web_search_options",
  "service_tier",
  "thinking_config",
  "thinkingConfig",
  "safety_settings",
  "safetySettings",
  "cached_content",
  "cachedContent",
  "labels",
  "extra_body",
]);

/** What clients put into `extra_body.google`. */
const carriedExtras = new Set([
  "thinking_config",
  "thinkingConfig",
  "safety_settings",
  "safetySettings",
  "cached_content",
  "cachedContent",
]);

export interface EncodeOptions {
  readonly options: GeminiModelOptions;
  readonly dialect: Dialect;
  readonly files: InlineFiles;
  readonly reportLoss: CallContext["reportLoss"];
}

/**
 * A chat request as one of `generateContent`; the given one is not changed. Every loss is told.
 *
 * @throws {UpstreamError} where the API could not give what is asked for.
 */
export function encodeRequest(request: ChatCompletionRequest, settings: EncodeOptions): Loose {
  const { options, dialect, files, reportLoss } = settings;
  const lose = loseTo(reportLoss);
  const context: EncodeContext = { options, dialect, files, lose, traits: modelTraits(request.model) };
  loseUncarried(request, carried, lose);
  const extras = asObject(asObject(request.extra_body).google);
  for (const name of Object.keys(extras)) {
    if (!carriedExtras.has(name)) lose(`extra_body.google.${name}`, "dropped", "the API has no such field");
  }
  const tools = encodeTools(request, context);
  const { config, instruction } = planGeneration(request, tools.hasFunctions, context);
  const { system, contents } = encodeConversation(request.messages, context, instruction);
  const safety = request.safety_settings ?? request.safetySettings ?? extras.safety_settings ??
    extras.safetySettings ?? (options.safety_settings.length === 0 ? undefined : options.safety_settings);
  const cached = request.cached_content ?? request.cachedContent ?? extras.cached_content ??
    extras.cachedContent;
  return {
    ...systemField(system),
    contents,
    ...tools.fields,
    ...given("safetySettings", safety),
    ...(Object.keys(config).length === 0 ? {} : { generationConfig: config }),
    ...given("cachedContent", cached),
    ...(isNeutral("labels", request.labels) ? {} : { labels: request.labels }),
    ...serviceTier(request, context),
  };
}

function systemField(parts: readonly Part[]): Loose {
  return parts.length === 0 ? {} : { systemInstruction: { parts } };
}

const tiers: Readonly<Record<string, string>> = { flex: "flex", priority: "priority", default: "standard" };

function serviceTier(request: ChatCompletionRequest, { dialect, lose }: EncodeContext): Loose {
  const tier = asText(request.service_tier);
  if (tier === "" || tier === "auto") return {};
  if (dialect.serviceTiers && Object.hasOwn(tiers, tier)) return { serviceTier: tiers[tier] };
  if (tier !== "default") lose("service_tier", "dropped", "the API has no such tier");
  return {};
}
