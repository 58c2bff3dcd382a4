/** What is measured side by side: the floor, the gateway with everything on, and nginx. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Candidate, childrenOf } from "./measure.ts";

const here = import.meta.dir;
export const executable = join(here, "../../dist/intellirouter");

export async function startUpstream(): Promise<Candidate> {
  return await startPrinting("upstream", [process.execPath, join(here, "upstream.ts")]);
}

export async function startPassThrough(upstream: string): Promise<Candidate> {
  return await startPrinting("pass-through", [process.execPath, join(here, "pass-through.ts"), upstream]);
}

async function startPrinting(name: string, command: string[]): Promise<Candidate> {
  const child = Bun.spawn(command, {
    stdout: "pipe",
    stderr: "inherit",
    env: { ...process.env, BUN_CONFIG_MAX_HTTP_REQUESTS: "16384", NODE_ENV: "production" },
  });
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  const port = Number(new TextDecoder().decode(value).trim());
  return { name, origin: `http://127.0.0.1:${port}`, pids: [child.pid], stop: () => stop(child) };
}

/** The compiled executable with keys, decision log, routes, retries, breaker and access log switched on. */
export async function startGateway(upstream: string): Promise<Candidate> {
  const directory = mkdtempSync(join(tmpdir(), "intellirouter-bench-"));
  const port = await freePort();
  const hash = new Bun.CryptoHasher("sha256").update(benchKey).digest("hex");
  writeFileSync(
    join(directory, "config.toml"),
    `
[server]
port = ${port}
[auth]
mode = "required"
keys = [{ id = "bench", hash = "sha256:${hash}" }]
[[providers]]
name = "one"
kind = "openai-compatible"
base_url = "${upstream}/v1"
[[providers]]
name = "two"
kind = "openai-compatible"
base_url = "${upstream}/v1"
[[routes]]
name = "*"
when = "size(request.messages) < 1000"
targets = ["one/*", "two/*"]
`,
  );
  const child = Bun.spawn([
    executable,
    "run",
    "--config",
    join(directory, "config.toml"),
    "--data-dir",
    directory,
  ], {
    cwd: directory,
    stdout: "ignore",
    stderr: Bun.file(join(directory, "log")),
  });
  const origin = `http://127.0.0.1:${port}`;
  await untilReady(`${origin}/readyz`);
  return { name: "gateway", origin, pids: [child.pid], stop: () => stop(child) };
}

export const benchKey = "bench-key-0123456789";

/** A plain reverse proxy with keep-alive to the backend and no buffering of streams; one worker, as the others. */
export async function startNginx(upstream: string): Promise<Candidate> {
  const directory = mkdtempSync(join(tmpdir(), "intellirouter-nginx-"));
  const port = await freePort();
  const configuration = join(directory, "nginx.conf");
  writeFileSync(
    configuration,
    `
worker_processes 1;
pid ${directory}/pid;
error_log stderr error;
events { worker_connections 8192; }
http {
  access_log ${directory}/access.log;
  client_body_temp_path ${directory}/a; proxy_temp_path ${directory}/b; fastcgi_temp_path ${directory}/c;
  uwsgi_temp_path ${directory}/d; scgi_temp_path ${directory}/e;
  upstream backend { server ${upstream.slice("http://".length)}; keepalive 256; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;
      client_max_body_size 32m; client_body_buffer_size 64k;
    }
  }
}`,
  );
  const child = Bun.spawn(["nginx", "-c", configuration, "-e", "stderr", "-g", "daemon off;"], {
    stdout: "ignore",
    stderr: "inherit",
  });
  const origin = `http://127.0.0.1:${port}`;
  await untilReady(`${origin}/v1/models`);
  return { name: "nginx", origin, pids: [child.pid, ...childrenOf(child.pid)], stop: () => stop(child) };
}

async function stop(
  child: { kill(signal: "SIGTERM"): void; readonly exited: Promise<number> },
): Promise<void> {
  child.kill("SIGTERM");
  await child.exited;
}

/** Waits until something answers with success; gives up after ten seconds. */
export async function untilReady(url: string): Promise<void> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    try {
      if ((await fetch(url)).ok) return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await Bun.sleep(1);
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
