import { isObject, type Loose } from "./loose.ts";
import type { Lose } from "./losses.ts";
import { unsupported } from "./refuse.ts";

/** Says nothing about the answer itself: bookkeeping, and hints for caches that no other backend has. */
const bookkeeping = new Set([
  "model",
  "messages",
  "stream",
  "stream_options",
  "n",
  "user",
  "metadata",
  "store",
  "safety_identifier",
  "prompt_cache_key",
  "prompt_cache_retention",
]);

/** Values that ask for what happens anyway. */
const neutral: ReadonlyMap<string, readonly unknown[]> = new Map(Object.entries({
  temperature: [1],
  top_p: [1],
  frequency_penalty: [0],
  presence_penalty: [0],
  logprobs: [false],
  service_tier: ["auto", "default"],
  verbosity: ["medium"],
  parallel_tool_calls: [true],
}));

/** Whether a field asks for nothing, so that leaving it out loses nothing. */
export function isNeutral(field: string, value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (Array.isArray(value) && value.length === 0) return true;
  if (isObject(value) && Object.keys(value).length === 0) return true;
  return neutral.get(field)?.includes(value) ?? false;
}

/**
 * Tells of every field at the top of the request that is not among those that are carried over.
 *
 * @throws {UpstreamError} `unsupported` where the answer would not be what was asked for.
 */
export function loseUncarried(request: Loose, carried: ReadonlySet<string>, lose: Lose): void {
  for (const [field, value] of Object.entries(request)) {
    if (carried.has(field) || bookkeeping.has(field) || isNeutral(field, value)) continue;
    if (field === "modalities") {
      if (Array.isArray(value) && value.every((modality) => modality === "text")) continue;
      throw unsupported("modalities", "This backend answers in text only.");
    }
    lose(field, "dropped", "the backend's protocol has no such field");
  }
}
