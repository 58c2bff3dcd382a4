import { benchKey } from "../support/candidates.ts";
import { load } from "../support/load.ts";
import { type Candidate, memory as measure } from "../support/measure.ts";

const streams = 1_500;

/** Resident memory before any request, and the highest seen while 1,500 streams of 150 KB run at once. */
export async function memory(candidates: readonly Candidate[]): Promise<object> {
  const rows: Record<string, unknown> = {};
  for (const candidate of candidates) {
    const idle = measure(candidate.pids);
    let highest = idle;
    const watch = setInterval(() => {
      const now = measure(candidate.pids);
      if (now.residentMb > highest.residentMb) highest = now;
    }, 50);
    // 60 pieces of 2.5 KB, 50 ms apart: three seconds in which all streams are open together.
    const result = await load({
      origin: candidate.origin,
      requests: streams,
      concurrency: streams,
      model: "chunks=60,size=2300,pause=50",
      stream: true,
      key: benchKey,
    });
    clearInterval(watch);
    if (result.failures > 0) throw new Error(`${candidate.name}: ${result.failures} streams failed`);
    rows[candidate.name] = {
      idle,
      under_1500_streams: highest,
      bytes_per_stream: Math.round(result.bytes / streams),
    };
  }
  return rows;
}
