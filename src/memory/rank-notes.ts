export interface RankOptions {
  /** Days after which a note counts half as recent. */
  readonly halfLifeDays: number;
  /** The share of recency in the whole, from 0 to 1; the rest is similarity. */
  readonly recencyWeight: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

const dayMs = 86_400_000;

/** 1 for now, one half after the half-life, one quarter after two of them. */
export function recency(
  at: number,
  { halfLifeDays, now }: Pick<RankOptions, "halfLifeDays" | "now">,
): number {
  const days = Math.max(0, now - at) / dayMs;
  return 0.5 ** (days / halfLifeDays);
}

/** `(1 - w) · similarity + w · 0.5 ^ (age / half-life)` */
export function noteScore(
  { similarity, at }: { readonly similarity: number; readonly at: number },
  options: RankOptions,
): number {
  const { recencyWeight } = options;
  return (1 - recencyWeight) * similarity + recencyWeight * recency(at, options);
}
