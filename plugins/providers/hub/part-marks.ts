import { asObject, isObject, type Loose } from "./loose.ts";
import type { Lose } from "./losses.ts";

/** What clients say of caching, in Anthropic's words and in OpenAI's. */
const cacheMarks = ["cache_control", "prompt_cache_breakpoint"];

/** Tells of marks for the cache on a part, a message or a tool, before a backend that finds by itself what it has seen before. */
export function loseCacheMarks(marked: Loose, field: string, lose: Lose): void {
  for (const mark of cacheMarks) {
    if (isObject(marked[mark])) {
      lose(`${field}.${mark}`, "dropped", "the API caches by itself, and knows no marks");
    }
  }
}

/** Tells of the detail in which an image is to be seen, before a backend that has one only. */
export function loseImageDetail(part: Loose, field: string, lose: Lose): void {
  const { detail } = asObject(part.image_url);
  if (typeof detail !== "string" || detail === "auto") return;
  lose(`${field}.image_url.detail`, "dropped", "the API has no levels of detail");
}
