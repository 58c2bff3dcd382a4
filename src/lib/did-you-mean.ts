import { closest, distance } from "fastest-levenshtein";

/**
 * The candidate that a mistyped word most likely stood for.
 *
 * @returns `undefined` when nothing is near: a far guess misleads more than none. Near is at most two edits,
 * or a third of the word's length when that is more.
 */
export function didYouMean(word: string, candidates: readonly string[]): string | undefined {
  if (candidates.length === 0) return undefined;
  const lowered = word.toLowerCase();
  const best = closest(lowered, candidates.map((candidate) => candidate.toLowerCase()));
  const match = candidates.find((candidate) => candidate.toLowerCase() === best);
  if (match === undefined) return undefined;
  const limit = Math.max(2, Math.floor(word.length / 3));
  return distance(lowered, best) <= limit ? match : undefined;
}

/** A sentence ` Did you mean "x"?` with a leading space, or an empty string. */
export function didYouMeanSentence(word: string, candidates: readonly string[]): string {
  const match = didYouMean(word, candidates);
  return match === undefined ? "" : ` Did you mean "${match}"?`;
}
