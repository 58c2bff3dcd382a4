/** A found chunk with its place in one search. */
export interface Ranking {
  /** Best first, each once. */
  readonly keys: readonly number[];
  readonly weight: number;
}

/**
 * Joins rankings by reciprocal rank fusion: a key's score is the sum of `weight / (k + rank)` over the rankings that have it, ranks from 1.
 *
 * Source: Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning Methods", SIGIR 2009.
 *
 * @returns keys, best first, with scores from 0 to 1, where 1 is the first of all rankings; equal ones in the order in which they came.
 */
export function fuseRankings(rankings: readonly Ranking[], k = 60): { key: number; score: number }[] {
  const scores = new Map<number, number>();
  let most = 0;
  for (const { keys, weight } of rankings) {
    if (weight <= 0) continue;
    most += weight / (k + 1);
    keys.forEach((key, index) => scores.set(key, (scores.get(key) ?? 0) + weight / (k + index + 1)));
  }
  return [...scores].map(([key, score]) => ({ key, score: score / most })).sort((one, other) =>
    other.score - one.score
  );
}
