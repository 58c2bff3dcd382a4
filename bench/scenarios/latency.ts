import { benchKey } from "../support/candidates.ts";
import { load } from "../support/load.ts";
import { type Candidate, percentile, round } from "../support/measure.ts";

/** One request at a time: to the whole answer, and to the first bytes of a stream. The backend alone is the base line. */
export async function latency(candidates: readonly Candidate[], quick: boolean): Promise<object> {
  const requests = quick ? 500 : 3_000;
  const result: Record<string, unknown> = {};
  for (const [name, stream] of [["answer", false], ["first_token", true]] as const) {
    const rows: Record<string, unknown> = {};
    for (const candidate of candidates) {
      const run = () =>
        load({
          origin: candidate.origin,
          requests,
          concurrency: 1,
          model: "chunks=5,size=20",
          stream,
          key: benchKey,
        });
      await run();
      const { firstMs } = await run();
      rows[candidate.name] = {
        p50_us: round(percentile(firstMs, 0.5) * 1000, 0),
        p99_us: round(percentile(firstMs, 0.99) * 1000, 0),
      };
    }
    result[name] = rows;
  }
  return result;
}
