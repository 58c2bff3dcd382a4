/** A real Chroma server for tests: on a free port of loopback, in a folder of its own, ended by its process id. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { freePort } from "../e2e/support/gateway.ts";
import { temporaryFolder } from "./temporary-folder.ts";

export interface ChromaServer {
  readonly port: number;
  /** Stops it from running without ending it; its connections stay open. */
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
}

/** `scripts/test.sh` installs it. */
function executable(): string {
  const installed = resolve(import.meta.dir, "../../.tools/chroma/bin/chroma");
  if (existsSync(installed)) return installed;
  throw new Error("there is no Chroma server; `scripts/test.sh contract` installs one");
}

export async function startChroma(): Promise<ChromaServer> {
  const port = await freePort();
  const folder = temporaryFolder();
  const child = Bun.spawn(
    [executable(), "run", "--path", folder.path, "--host", "127.0.0.1", "--port", String(port)],
    { stdout: "ignore", stderr: "ignore", env: { ...process.env, ANONYMIZED_TELEMETRY: "False" } },
  );
  const deadline = performance.now() + 20_000;
  for (;;) {
    try {
      if ((await fetch(`http://127.0.0.1:${port}/api/v2/heartbeat`)).ok) break;
    } catch {
      if (performance.now() > deadline) throw new Error("Chroma does not start");
    }
    await Bun.sleep(20);
  }
  return {
    port,
    freeze: () => child.kill("SIGSTOP"),
    thaw: () => child.kill("SIGCONT"),
    async stop() {
      child.kill("SIGCONT");
      // It takes no notice of a polite end.
      child.kill("SIGKILL");
      await child.exited;
      folder[Symbol.dispose]();
    },
  };
}
