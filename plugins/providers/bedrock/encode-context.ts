import type { CallIds } from "../hub/call-ids.ts";
import type { InlineFiles } from "../hub/inline-files.ts";
import { asObject, type Loose } from "../hub/loose.ts";
import type { Lose } from "../hub/losses.ts";
import type { FamilyTraits } from "./model-family.ts";

/** What the parts of the encoding share. */
export interface EncodeContext {
  readonly traits: FamilyTraits;
  /** Files that the request names by address. */
  readonly files: InlineFiles;
  readonly ids: CallIds;
  readonly lose: Lose;
  /** A name for the next document: the API wants one for each, no two alike, of few characters. */
  documentName(filename: string): string;
}

/** One block of a turn: an object whose only field is named after what it is. */
export type Block = Loose;

/** A mark of what the cache may keep follows what it marks; other makers' models have none. */
export function cachePoint(
  marked: Loose,
  field: string,
  { traits, lose }: Pick<EncodeContext, "traits" | "lose">,
): Block[] {
  const { cache_control: control, prompt_cache_breakpoint: breakpoint } = marked;
  if (!control && !breakpoint) return [];
  if (!traits.cachePoints) {
    const mark = control ? "cache_control" : "prompt_cache_breakpoint";
    lose(`${field}.${mark}`, "dropped", "this model has no cache points");
    return [];
  }
  const { ttl } = asObject(control);
  const asked = asObject(breakpoint).ttl;
  if (!control && asked !== undefined) {
    lose(`${field}.prompt_cache_breakpoint.ttl`, "approximated", "sent as 1h, the longest here");
    return [{ cachePoint: { type: "default", ttl: "1h" } }];
  }
  return [{ cachePoint: { type: "default", ...(ttl === undefined || ttl === "5m" ? {} : { ttl }) } }];
}
