/** A histogram as it is now. */
export interface HistogramReading {
  /** Upper bounds of the buckets, ascending; a value equal to a bound is in its bucket. */
  readonly bounds: readonly number[];
  /** How many values each bucket got, not summed up; one more than there are bounds, the last for all above. */
  readonly counts: ArrayLike<number>;
  readonly sum: number;
  readonly count: number;
}

/** Counts values by size. Observing costs nanoseconds and allocates nothing. */
export class Histogram implements HistogramReading {
  readonly bounds: readonly number[];
  readonly counts: Float64Array;
  sum = 0;
  count = 0;

  /** @param bounds upper bounds, ascending. */
  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const { bounds } = this;
    let index = 0;
    while (index < bounds.length && value > bounds[index]!) index++;
    this.counts[index]!++;
    this.sum += value;
    this.count++;
  }
}
