import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { executable, freePort } from "../support/candidates.ts";
import { median, memory, percentile, round } from "../support/measure.ts";

/** From exec to the first answered request, in an empty folder without configuration; and the memory then. */
export async function startUp(quick: boolean): Promise<object> {
  const samples: number[] = [];
  const resident: number[] = [];
  for (let index = 0; index < (quick ? 5 : 21); index++) {
    const directory = mkdtempSync(join(tmpdir(), "intellirouter-start-"));
    const port = await freePort();
    const started = performance.now();
    const child = Bun.spawn([executable, "run", "--port", String(port), "--data-dir", directory], {
      cwd: directory,
      stdout: "ignore",
      stderr: "ignore",
      env: { PATH: process.env.PATH ?? "" },
    });
    while (!(await answers(port))) await Bun.sleep(1);
    samples.push(performance.now() - started);
    await Bun.sleep(1_000);
    resident.push(memory([child.pid]).residentMb);
    child.kill("SIGTERM");
    await child.exited;
  }
  return {
    first_answer_ms: { median: round(median(samples)), p90: round(percentile(samples, 0.9)) },
    idle_resident_mb: median(resident),
  };
}

async function answers(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/livez`)).ok;
  } catch {
    return false;
  }
}
