import type { ChatCompletionRequest } from "intellirouter/plugin";
import { asObject, asText, given, isObject, type Loose, objectsOf } from "../hub/loose.ts";
import { withDescription } from "../hub/output-schema.ts";
import { invalid, unsupported } from "../hub/refuse.ts";
import { isNeutral } from "../hub/uncarried-fields.ts";
import type { EncodeContext } from "./encode-context.ts";
import { toApiSchema } from "./encode-schema.ts";
import { encodeThinking } from "./encode-thinking.ts";

/** Sequences that the API takes at most. */
const mostStops = 5;

export interface GenerationPlan {
  readonly config: Loose;
  /** What the model is told because the API cannot hold it to it. */
  readonly instruction?: string | undefined;
}

/** The `generationConfig` of a request. */
export function planGeneration(
  request: ChatCompletionRequest,
  hasFunctions: boolean,
  context: EncodeContext,
): GenerationPlan {
  const { format, instruction } = planFormat(request, hasFunctions, context);
  const { n } = request;
  const config = {
    ...given("maxOutputTokens", request.max_completion_tokens ?? request.max_tokens),
    ...given("temperature", request.temperature),
    ...given("topP", request.top_p),
    ...given("topK", request.top_k),
    ...given("seed", request.seed),
    ...penalties(request, context),
    ...stops(request, context),
    ...(typeof n === "number" && n > 1 ? { candidateCount: n } : {}),
    ...(request.logprobs === true
      ? { responseLogprobs: true, ...given("logprobs", request.top_logprobs) }
      : {}),
    ...format,
    ...modalities(request),
    ...resolution(request, context),
    ...given("thinkingConfig", encodeThinking(request, context)),
  };
  return { config, instruction };
}

function penalties(request: ChatCompletionRequest, { traits, dialect, lose }: EncodeContext): Loose {
  const { frequency_penalty: frequency, presence_penalty: presence } = request;
  if (traits.penalties || !dialect.refusesPenalties) {
    return { ...given("frequencyPenalty", frequency), ...given("presencePenalty", presence) };
  }
  for (const field of ["frequency_penalty", "presence_penalty"]) {
    if (!isNeutral(field, request[field])) lose(field, "dropped", "the API refuses penalties for this model");
  }
  return {};
}

function stops({ stop }: ChatCompletionRequest, { lose }: EncodeContext): Loose {
  const all = (typeof stop === "string" ? [stop] : stop ?? []).filter((sequence) => sequence !== "");
  if (all.length > mostStops) lose("stop", "approximated", `only the first ${mostStops} were sent`);
  return all.length === 0 ? {} : { stopSequences: all.slice(0, mostStops) };
}

function planFormat(
  request: ChatCompletionRequest,
  hasFunctions: boolean,
  { traits, lose }: EncodeContext,
): { readonly format: Loose; readonly instruction?: string } {
  const { response_format: asked } = request;
  if (asked === undefined || asked === null || asked.type === "text") return { format: {} };
  const { schema: bare, description } = asObject(asked.json_schema);
  const schema = isObject(bare) ? withDescription(bare, description) : undefined;
  if (asked.type === "json_schema" && !isObject(schema)) {
    throw invalid("response_format.json_schema.schema", "A schema is needed.", "missing_required_parameter");
  }
  if (asked.type !== "json_schema" && asked.type !== "json_object") {
    throw unsupported("response_format.type", `This backend has no format "${asked.type}".`);
  }
  if (hasFunctions && !traits.combinesTools) {
    lose("response_format", "approximated", "this model cannot be held to it beside functions; it is told");
    const fits = isObject(schema) ? ` It must fit this JSON schema: ${JSON.stringify(schema)}` : "";
    return {
      format: {},
      instruction: `When you answer without calling a function, answer in JSON alone.${fits}`,
    };
  }
  const json = { responseMimeType: "application/json" };
  return { format: isObject(schema) ? { ...json, responseJsonSchema: toApiSchema(schema) } : json };
}

/** Images are asked for as OpenRouter's clients do. */
function modalities({ modalities: asked, image_config: images }: ChatCompletionRequest): Loose {
  const imageConfig = isObject(images) ? { imageConfig: images } : {};
  if (!Array.isArray(asked) || asked.every((each) => each === "text")) return imageConfig;
  if (asked.some((each) => each !== "text" && each !== "image")) {
    throw unsupported("modalities", "This backend answers in text and images only.");
  }
  return { responseModalities: asked.map((each) => String(each).toUpperCase()), ...imageConfig };
}

/** Levels of detail in the API's words; what is not there is what it chooses by itself. */
const resolutions: Readonly<Record<string, string>> = {
  low: "MEDIA_RESOLUTION_LOW",
  high: "MEDIA_RESOLUTION_HIGH",
  original: "MEDIA_RESOLUTION_HIGH",
};

/** The API has one resolution for all images. */
function resolution(request: ChatCompletionRequest, { lose }: EncodeContext): Loose {
  const details = request.messages.flatMap(({ content }, index) =>
    objectsOf(content).flatMap((part, position) =>
      part.type === "image_url"
        ? [{
          detail: asText(asObject(part.image_url).detail),
          field: `messages[${index}].content[${position}]`,
        }]
        : []
    )
  );
  const asked = details.filter(({ detail }) => Object.hasOwn(resolutions, detail));
  const [first] = asked;
  if (first === undefined) return {};
  const mediaResolution = resolutions[first.detail];
  const isOne = asked.length === details.length &&
    asked.every(({ detail }) => resolutions[detail] === mediaResolution);
  for (const { field, detail } of asked) {
    const place = `${field}.image_url.detail`;
    if (!isOne) lose(place, "dropped", "the API has one resolution for all images of a request");
    else if (detail === "original") lose(place, "approximated", "sent as high, the highest here");
  }
  return isOne ? { mediaResolution } : {};
}
