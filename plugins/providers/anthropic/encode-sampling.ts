import type { ChatCompletionRequest } from "intellirouter/plugin";
import type { Loose } from "../hub/loose.ts";
import type { Lose } from "../hub/losses.ts";
import { isNeutral } from "../hub/uncarried-fields.ts";
import type { ModelTraits } from "./model-traits.ts";

/** Claude's temperature ends where others go on. */
const hottest = 1;

/** What a request says of chance, as far as the model takes it. */
export interface Sampling {
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
}

/** Newer models refuse every such field, and those that think refuse most. */
export function planSampling(
  request: ChatCompletionRequest,
  { sampling }: Pick<ModelTraits, "sampling">,
  isThinking: boolean,
  lose: Lose,
): Sampling {
  const asked = {
    temperature: isNeutral("temperature", request.temperature) ? undefined : request.temperature!,
    topP: isNeutral("top_p", request.top_p) ? undefined : request.top_p!,
    topK: typeof request.top_k === "number" ? request.top_k : undefined,
  };
  const why = sampling === "none"
    ? "this model takes no such field"
    : "a model that thinks takes no such field";
  if (sampling === "none" || isThinking) {
    if (asked.temperature !== undefined) lose("temperature", "dropped", why);
    if (asked.topP !== undefined) lose("top_p", "dropped", why);
    if (asked.topK !== undefined) lose("top_k", "dropped", why);
    return {};
  }
  if (asked.temperature !== undefined && asked.temperature > hottest) {
    lose("temperature", "approximated", `sent as ${hottest}, the highest here`);
    asked.temperature = hottest;
  }
  if (sampling === "one" && asked.temperature !== undefined && asked.topP !== undefined) {
    lose("top_p", "dropped", "this model takes temperature or top_p, not both");
    asked.topP = undefined;
  }
  return {
    ...(asked.temperature === undefined ? {} : { temperature: asked.temperature }),
    ...(asked.topP === undefined ? {} : { topP: asked.topP }),
    ...(asked.topK === undefined ? {} : { topK: asked.topK }),
  };
}

/** Sequences at which the answer stops; the API refuses those that consist of blanks. */
export function planStops(request: ChatCompletionRequest, lose: Lose): readonly string[] {
  const { stop } = request;
  const stops = typeof stop === "string" ? [stop] : stop ?? [];
  return stops.filter((sequence, index) => {
    if (sequence.trim() !== "") return true;
    const field = typeof stop === "string" ? "stop" : `stop[${index}]`;
    if (sequence !== "") lose(field, "dropped", "the API stops at no sequence of blanks");
    return false;
  });
}

/** The fields of a body. */
export function samplingFields({ temperature, topP, topK }: Sampling): Loose {
  return {
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { top_p: topP }),
    ...(topK === undefined ? {} : { top_k: topK }),
  };
}
