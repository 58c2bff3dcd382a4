import type { Span } from "intellirouter/plugin";

/** Something that is looked for in texts. */
export interface Pattern {
  /** In words; for records. */
  readonly reason: string;
  readonly expression: RegExp;
  /** Whether what looks like it is it: a checksum, a range. */
  readonly isReal?: (match: string) => boolean;
}

/**
 * Where patterns stand in a text; of two that overlap, the one that begins first, then the longer.
 *
 * @param expressions must be global, and linear: no repetition within a repetition.
 */
export function findMatches<Found extends Pattern>(
  text: string,
  patterns: readonly Found[],
): { readonly start: number; readonly end: number; readonly pattern: Found }[] {
  const found = patterns.flatMap((pattern) =>
    [...text.matchAll(pattern.expression)]
      .filter(([match]) => match !== "" && (pattern.isReal?.(match) ?? true))
      .map((match) => ({ start: match.index, end: match.index + match[0].length, pattern }))
  ).sort((one, other) => one.start - other.start || other.end - one.end);
  let end = 0;
  return found.filter((match) => {
    if (match.start < end) return false;
    end = match.end;
    return true;
  });
}

/** What is done with what is found. */
export type Action = "block" | "replace" | "placeholder";

/** A span that asks for it. @param label of the placeholder. */
export function spanFor(
  { start, end }: { readonly start: number; readonly end: number },
  reason: string,
  action: Action,
  label: string,
): Span {
  if (action === "block") return { start, end, reason };
  return action === "placeholder"
    ? { start, end, reason, label }
    : { start, end, reason, replacement: `[${label}]` };
}
