import {
  type MetricDescription,
  type MetricFamily,
  type MetricName,
  type MetricSample,
  type MetricSource,
  metricTable,
} from "../../schema/metrics.ts";

/** Knows everybody who has something to measure, and asks them all. */
export class MetricRegistry {
  readonly #sources = new Set<MetricSource>();
  readonly #onError: (error: unknown) => void;

  /** @param onError told of a source that threw; must not throw. */
  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** @returns a function that withdraws the source. */
  register(source: MetricSource): () => void {
    this.#sources.add(source);
    return () => void this.#sources.delete(source);
  }

  /** Everything as it is now, in the order of the table; what nobody reports is left out. */
  collect(): MetricFamily[] {
    const samples = new Map<MetricName, MetricSample[]>();
    for (const source of this.#sources) {
      try {
        source.collect((name, value, labels = {}) => {
          const sample = { labels, value };
          const known = samples.get(name);
          if (known === undefined) samples.set(name, [sample]);
          else known.push(sample);
        });
      } catch (error) {
        this.#onError(error);
      }
    }
    return (Object.entries(metricTable) as [MetricName, MetricDescription][]).flatMap(
      ([name, description]) => {
        const found = samples.get(name);
        return found === undefined ? [] : [{ ...description, name, samples: found }];
      },
    );
  }
}
