import { benchKey } from "../support/candidates.ts";
import { load } from "../support/load.ts";
import { type Candidate, cpuMicroseconds, median, round } from "../support/measure.ts";

/** User and system time for one 1 KB request and its 1 KB answer, over a counted number of them. */
export async function cpuPerRequest(candidates: readonly Candidate[], quick: boolean): Promise<object> {
  const requests = quick ? 4_000 : 20_000;
  const rounds = quick ? 2 : 5;
  const samples = new Map<string, number[]>(candidates.map(({ name }) => [name, []]));
  const rates = new Map<string, number[]>(candidates.map(({ name }) => [name, []]));
  for (const candidate of candidates) await run(candidate, quick ? 1_000 : 10_000);
  for (let index = 0; index < rounds; index++) {
    for (const candidate of candidates) {
      const before = cpuMicroseconds(candidate.pids);
      const seconds = await run(candidate, requests);
      samples.get(candidate.name)!.push((cpuMicroseconds(candidate.pids) - before) / requests);
      rates.get(candidate.name)!.push(requests / seconds);
    }
  }
  return Object.fromEntries(candidates.map(({ name }) => [name, {
    cpu_us_per_request: round(median(samples.get(name)!)),
    requests_per_second: Math.round(median(rates.get(name)!)),
  }]));
}

async function run(candidate: Candidate, requests: number): Promise<number> {
  const result = await load({
    origin: candidate.origin,
    requests,
    concurrency: 32,
    model: "bench",
    stream: false,
    key: benchKey,
  });
  if (result.failures > 0) {
    throw new Error(`${candidate.name}: ${result.failures} of ${requests} requests failed`);
  }
  return result.seconds;
}
