/** A real Redis for tests: on a free port of loopback, without a disk, ended by its process id. */
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";

export interface RedisServer {
  readonly port: number;
  /** Stops it from running without ending it; its connections stay open. */
  freeze(): void;
  thaw(): void;
  kill(): Promise<void>;
  /** Starts it anew on the same port, empty. */
  restart(): Promise<void>;
  command(...words: string[]): Promise<string>;
  stop(): Promise<void>;
}

export async function startRedis(): Promise<RedisServer> {
  const port = await freePort();
  let child = await start(port);
  return {
    port,
    freeze: () => child.kill("SIGSTOP"),
    thaw: () => child.kill("SIGCONT"),
    async kill() {
      child.kill("SIGKILL");
      await child.exited;
    },
    async restart() {
      child.kill("SIGKILL");
      await child.exited;
      child = await start(port);
    },
    command: (...words) => redisCommand(port, ...words),
    async stop() {
      child.kill("SIGCONT");
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

async function start(port: number) {
  const child = Bun.spawn(
    ["redis-server", "--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
    { stdout: "ignore", stderr: "ignore" },
  );
  const deadline = performance.now() + 10_000;
  for (;;) {
    try {
      if ((await redisCommand(port, "PING")).trim() === "PONG") return child;
    } catch {
      if (performance.now() > deadline) throw new Error("redis-server does not start");
    }
    await Bun.sleep(10);
  }
}

async function redisCommand(port: number, ...words: string[]): Promise<string> {
  const run = Bun.spawn(["redis-cli", "-h", "127.0.0.1", "-p", String(port), ...words], {
    stdout: "pipe",
    stderr: "pipe",
  });
  const [text, code] = [await new Response(run.stdout).text(), await run.exited];
  if (code !== 0) throw new Error(await new Response(run.stderr).text());
  return text;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
