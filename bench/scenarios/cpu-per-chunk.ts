import { benchKey } from "../support/candidates.ts";
import { load } from "../support/load.ts";
import { type Candidate, cpuMicroseconds, median, round } from "../support/measure.ts";

const concurrency = 64;

/**
 * User and system time for one streamed chunk: what long streams cost above short ones. Paced, so that each chunk is a
 * read and a write of its own as with a real model; and unpaced, where several come in one read.
 */
export async function cpuPerChunk(candidates: readonly Candidate[], quick: boolean): Promise<object> {
  const result: Record<string, unknown> = {};
  for (const [name, pause] of [["paced", 2], ["unpaced", 0]] as const) {
    const long = pause === 0 ? 2_000 : quick ? 200 : 500;
    const rounds = quick ? 1 : 3;
    const samples = new Map<string, number[]>(candidates.map((candidate) => [candidate.name, []]));
    for (let index = 0; index < rounds; index++) {
      for (const candidate of candidates) {
        const short = await cost(candidate, 1, pause);
        const whole = await cost(candidate, long, pause);
        samples.get(candidate.name)!.push((whole - short) / (concurrency * 2 * (long - 1)));
      }
    }
    result[name] = Object.fromEntries(candidates.map((candidate) => [
      candidate.name,
      { cpu_us_per_chunk: round(median(samples.get(candidate.name)!), 2) },
    ]));
  }
  return result;
}

/** Microseconds for two rounds of concurrent streams. */
async function cost(candidate: Candidate, chunks: number, pause: number): Promise<number> {
  const before = cpuMicroseconds(candidate.pids);
  const result = await load({
    origin: candidate.origin,
    requests: concurrency * 2,
    concurrency,
    model: `chunks=${chunks},size=20,pause=${pause}`,
    stream: true,
    key: benchKey,
  });
  if (result.failures > 0) throw new Error(`${candidate.name}: ${result.failures} streams failed`);
  return cpuMicroseconds(candidate.pids) - before;
}
