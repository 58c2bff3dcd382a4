/**
 * The delay before the try after `failures` failed ones, in milliseconds: exponential with full jitter, which spreads
 * clients best ("Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
 *
 * @param failures 1 for the first retry.
 */
export function backoffMs(failures: number, baseMs: number, maxMs: number, random: () => number): number {
  return random() * Math.min(maxMs, baseMs * 2 ** (failures - 1));
}
