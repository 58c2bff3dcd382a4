import type { ChatCompletionRequest } from "intellirouter/plugin";
import { asObject, isObject, type Loose } from "../hub/loose.ts";
import { invalid } from "../hub/refuse.ts";
import type { EncodeContext } from "./encode-context.ts";

/** Tokens for each effort, on models that count them (ai.google.dev, "OpenAI compatibility"). */
const budgets: Readonly<Record<string, number>> = { minimal: 1_024, low: 1_024, medium: 8_192, high: 24_576 };

/** Efforts in the words of models that have levels. */
const levels = ["minimal", "low", "medium", "high"];

const efforts = ["none", ...levels, "xhigh", "max"];

/** The `thinkingConfig` of a request; undefined leaves it to the model. */
export function encodeThinking(request: ChatCompletionRequest, context: EncodeContext): Loose | undefined {
  const { options, traits, lose } = context;
  const native = nativeConfig(request);
  const { reasoning_effort: effort } = request;
  if (effort !== undefined && effort !== null && !efforts.includes(effort)) {
    throw invalid("reasoning_effort", `It must be one of ${efforts.join(", ")}.`);
  }
  if (traits.thinking === "none") {
    if (effort && effort !== "none") lose("reasoning_effort", "dropped", "this model does not think");
    return native;
  }
  const asked = effort !== undefined && effort !== null && effort !== "none";
  const shows = options.thoughts === "always" || (options.thoughts === "asked" && asked);
  const amount = effort ? encodeEffort(effort, context) : {};
  const config = { ...amount, ...(shows ? { includeThoughts: true } : {}), ...native };
  return Object.keys(config).length === 0 ? undefined : config;
}

function encodeEffort(effort: string, { traits, lose }: EncodeContext): Loose {
  const tell = (sent: unknown) => lose("reasoning_effort", "approximated", `sent as ${sent}`);
  if (traits.thinking === "level") {
    const least = String(traits.leastThinking);
    const wanted = effort === "none" ? least : effort === "xhigh" || effort === "max" ? "high" : effort;
    const level = levels.indexOf(wanted) < levels.indexOf(least) ? least : wanted;
    if (level !== effort) tell(level);
    return { thinkingLevel: level };
  }
  const least = Number(traits.leastThinking);
  const wanted = effort === "none" ? 0 : budgets[effort] ?? traits.mostThinking;
  const budget = Math.max(least, wanted);
  if (budget !== wanted || effort === "xhigh") tell(`${budget} tokens`);
  return { thinkingBudget: budget };
}

/** The API's own object, as clients of Google's OpenAI endpoint and of other gateways send it. */
function nativeConfig(request: ChatCompletionRequest): Loose | undefined {
  const google = asObject(asObject(request.extra_body).google);
  const given = request.thinking_config ?? request.thinkingConfig ?? google.thinking_config ??
    google.thinkingConfig;
  if (!isObject(given)) return undefined;
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => [
      name.replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase()),
      value,
    ]),
  );
}
