/**
 * The benchmarks, side by side in one run against the same local backend: the bare pass-through (the floor), the gateway
 * with everything on, and nginx.
 *
 *   bun bench/run.ts [--quick] [--save]
 *
 * `--save` writes bench/results/latest.json. Compare ratios within one run, not figures of different machines.
 */
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import { cpuPerChunk } from "./scenarios/cpu-per-chunk.ts";
import { cpuPerRequest } from "./scenarios/cpu-per-request.ts";
import { latency } from "./scenarios/latency.ts";
import { memory } from "./scenarios/memory.ts";
import { startUp } from "./scenarios/start-up.ts";
import { startGateway, startNginx, startPassThrough, startUpstream } from "./support/candidates.ts";
import type { Candidate } from "./support/measure.ts";

const quick = process.argv.includes("--quick");
const only = process.argv.find((argument) => argument.startsWith("--only="))?.slice("--only=".length);

async function withCandidates(
  work: (candidates: Candidate[], upstream: Candidate) => Promise<object>,
): Promise<object> {
  const upstream = await startUpstream();
  const started: Candidate[] = [upstream];
  try {
    for (const start of [startPassThrough, startGateway, startNginx]) {
      started.push(await start(upstream.origin));
    }
    return await work(started.slice(1), upstream);
  } finally {
    for (const candidate of started.reverse()) await candidate.stop();
  }
}

const scenarios: Record<string, () => Promise<object>> = {
  start_up: () => startUp(quick),
  memory: () => withCandidates((candidates) => memory(candidates)),
  cpu_per_request: () => withCandidates((candidates) => cpuPerRequest(candidates, quick)),
  cpu_per_chunk: () => withCandidates((candidates) => cpuPerChunk(candidates, quick)),
  latency: () => withCandidates((candidates, upstream) => latency([upstream, ...candidates], quick)),
};

const results: Record<string, unknown> = {
  date: new Date().toISOString().slice(0, 10),
  machine: {
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    memory_gib: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
  },
  bun: Bun.version,
};
for (const [name, scenario] of Object.entries(scenarios)) {
  if (only !== undefined && only !== name) continue;
  results[name] = await scenario();
  console.error(`${name} ${JSON.stringify(results[name], null, 2)}`);
}
const text = `${JSON.stringify(results, null, 2)}\n`;
if (process.argv.includes("--save")) await Bun.write(join(import.meta.dir, "results/latest.json"), text);
else console.log(text);
