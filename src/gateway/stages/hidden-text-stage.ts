import { maybeHidden, withoutHidden } from "../../lib/hidden-text.ts";
import { isRawJson, parseJson } from "../../lib/lossless-json.ts";
import { mapSame } from "./content-texts.ts";
import type { Stage } from "./stage.ts";

/** Takes characters that nobody sees out of requests. The first of all stages: what others see is what people see. */
export const hiddenTextStage: Stage = {
  name: "hidden_text",
  concerns: ({ written }) => written === undefined || mayHide(written),
  begin({ prompt, note }) {
    let changed = 0;
    prompt.mapTexts(({ text }) => {
      const clean = withoutHidden(text);
      if (clean !== text) changed++;
      return clean;
    });
    if (changed > 0) note({ stage: "hidden_text", action: "removed", detail: `from ${changed} texts` });
  },
};

/** JSON may spell such characters out. */
const spelledOut =
  /\\u(?:00ad|034f|115f|1160|17b[45]|180[b-f]|200[b-d]|202[a-e]|206[0-9a-f]|3164|fe0[0-9a-f]|feff|ffa0|fff[9ab]|d834\\udd7[3-9a]|db4[0-3]\\u)/i;

function mayHide(json: string): boolean {
  return maybeHidden(json) || spelledOut.test(json);
}

/** The JSON text of an answer, or of a piece of one, without hidden characters; the very same where there are none. */
export function withoutHiddenJson(json: string): string {
  if (!mayHide(json)) return json;
  const value = parseJson(json);
  const cleaned = withoutHiddenValue(value);
  return cleaned === value ? json : JSON.stringify(cleaned);
}

/** @returns the very same value where nothing of it is hidden. */
export function withoutHiddenValue<Value>(value: Value): Value {
  if (typeof value === "string") return withoutHidden(value) as Value;
  if (Array.isArray(value)) return mapSame(value, withoutHiddenValue) as Value;
  if (typeof value !== "object" || value === null || isRawJson(value)) return value;
  const cleaned = Object.entries(value).flatMap(([name, inner]) => {
    const clean: unknown = withoutHiddenValue(inner);
    return clean === inner ? [] : [[name, clean] as const];
  });
  return cleaned.length === 0 ? value : { ...value, ...Object.fromEntries(cleaned) };
}
