import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** The compiled executable; scripts/test.sh builds it before these tests. */
export const executable = resolve(import.meta.dir, "../../../dist/intellirouter");

export interface StartOptions {
  /** Text of a configuration file; none is written when absent. */
  readonly config?: string;
  /** Further arguments of `run`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Files to put beside the configuration, by name. */
  readonly files?: Readonly<Record<string, string>>;
  /** Do not wait until it is ready: it is expected to fail. */
  readonly expectFailure?: boolean;
  readonly role?: string;
  /** Instead of a free one. */
  readonly port?: number;
}

export interface Gateway {
  /** `http://127.0.0.1:PORT` */
  readonly origin: string;
  readonly port: number;
  readonly pid: number;
  /** The empty folder that it was started in. */
  readonly directory: string;
  readonly exited: Promise<number>;
  stdout(): string;
  stderr(): string;
  signal(signal: NodeJS.Signals): void;
  /** Ends it gracefully and gives its exit code. */
  stop(): Promise<number>;
}

/** Starts the executable in an empty folder, on a free loopback port, with nothing of this process's environment. */
export async function startGateway(options: StartOptions = {}): Promise<Gateway> {
  const directory = mkdtempSync(join(tmpdir(), "intellirouter-e2e-"));
  const port = options.port ?? await freePort();
  for (const [name, text] of Object.entries(options.files ?? {})) {
    writeFileSync(join(directory, name), text, { mode: 0o600 });
  }
  const args = [
    "run",
    "--port",
    String(port),
    "--data-dir",
    join(directory, "data"),
    "--role",
    options.role ?? "all",
  ];
  if (options.config !== undefined) {
    writeFileSync(join(directory, "gateway.toml"), options.config);
    args.push("--config", join(directory, "gateway.toml"));
  }
  const child = Bun.spawn([executable, ...args, ...(options.args ?? [])], {
    cwd: directory,
    env: { PATH: "/usr/bin:/bin", ...options.env },
    stdout: "pipe",
    stderr: "pipe",
  });
  const output = { stdout: "", stderr: "" };
  const collected = Promise.all([
    collect(child.stdout, (text) => (output.stdout += text)),
    collect(child.stderr, (text) => (output.stderr += text)),
  ]);
  const exited = child.exited.then(async (code) => {
    await collected;
    return code;
  });
  const origin = `http://127.0.0.1:${port}`;
  if (!options.expectFailure) await untilReady(`${origin}/readyz`, child, () => output.stderr);
  return {
    origin,
    port,
    pid: child.pid,
    directory,
    exited,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    signal: (signal) => child.kill(signal),
    async stop() {
      if (child.exitCode === null) child.kill("SIGTERM");
      const code = await exited;
      rmSync(directory, { recursive: true, force: true });
      return code;
    },
  };
}

async function collect(stream: ReadableStream<Uint8Array>, take: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of stream) take(decoder.decode(chunk, { stream: true }));
}

async function untilReady(
  url: string,
  child: { readonly exitCode: number | null },
  stderr: () => string,
): Promise<void> {
  await until(async () => {
    if (child.exitCode !== null) {
      throw new Error(`the gateway ended with code ${child.exitCode}:\n${stderr()}`);
    }
    try {
      return (await fetch(url)).ok;
    } catch {
      return false;
    }
  });
}

/** Asks again and again until it holds; gives up after twenty seconds. */
export async function until(holds: () => boolean | Promise<boolean>, what = "the condition"): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`${what} did not come about`);
    await Bun.sleep(5);
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolvePort, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolvePort(port));
    });
  });
}
