import { isObject, type Loose } from "./loose.ts";
import type { Lose } from "./losses.ts";
import { unsupported } from "./refuse.ts";

/** What every provider sees to itself. */
const essential = new Set(["model", "messages", "stream", "stream_options", "n"]);

/** Values that ask for what happens anyway. */
const neutral: ReadonlyMap<string, readonly unknown[]> = new Map(Object.entries({
  temperature: [1],
  top_p: [1],
  frequency_penalty: [0],
  presence_penalty: [0],
  logprobs: [false],
  service_tier: ["auto", "default"],
  store: [false],
  verbosity: ["medium"],
  parallel_tool_calls: [true],
}));

/** Fields that ask for something by being there. */
const tellingWhenEmpty = new Set(["web_search_options"]);

/** Why a field has no place, where more can be said than that. */
const reasons: ReadonlyMap<string, string> = new Map(Object.entries({
  metadata: "the API keeps nothing of a request, and no labels of it",
  prompt_cache_key: "the API's cache is not led by keys",
  prompt_cache_options: "the API's cache takes no such orders",
  prompt_cache_retention: "the API's cache keeps things as long as it does",
  safety_identifier: "the API knows no end users",
  store: "the API keeps no answers",
  user: "the API knows no end users",
}));

/** Whether a field asks for nothing, so that leaving it out loses nothing. */
export function isNeutral(field: string, value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (Array.isArray(value) && value.length === 0) return true;
  if (isObject(value) && Object.keys(value).length === 0) return !tellingWhenEmpty.has(field);
  return neutral.get(field)?.includes(value) ?? false;
}

/**
 * Tells of every field at the top of the request that is not among those that are carried over.
 *
 * @throws {UpstreamError} `unsupported` where the answer would not be what was asked for.
 */
export function loseUncarried(request: Loose, carried: ReadonlySet<string>, lose: Lose): void {
  for (const [field, value] of Object.entries(request)) {
    if (carried.has(field) || essential.has(field) || isNeutral(field, value)) continue;
    if (field === "modalities") {
      if (Array.isArray(value) && value.every((modality) => modality === "text")) continue;
      throw unsupported("modalities", "This backend answers in text only.");
    }
    lose(field, "dropped", reasons.get(field) ?? "the backend's protocol has no such field");
  }
}
