import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startUpstream } from "../support/upstream.ts";
import { executable, freePort, startGateway, until } from "../e2e/support/gateway.ts";

/** Twenty minutes, or what INTELLIROUTER_SOAK_SECONDS says. */
const seconds = Number(Bun.env.INTELLIROUTER_SOAK_SECONDS ?? 1_200);

const residentMb = (pid: number) =>
  Number(readFileSync(`/proc/${pid}/status`, "utf8").match(/VmRSS:\s+(\d+)/)![1]) / 1024;
const openFiles = (pid: number) => readdirSync(`/proc/${pid}/fd`).length;

test("a gateway under mixed load for a long time neither grows nor loses anything", async () => {
  const upstream = await startUpstream();
  const config = (level: string) => `
[logging]
level = "warn"
access = false
[[providers]]
name = "cloud"
kind = "openai-compatible"
base_url = "${upstream.url}"
list_models = false
[[routes]]
name = "smart"
targets = ["cloud/error-500", "cloud/normal"]
[server]
heartbeat_ms = ${level}
[decisions]
max_records = 2000
`;
  const gateway = await startGateway({ config: config("15000") });
  const ask = (model: string, stream: boolean, signal?: AbortSignal) =>
    fetch(`${gateway.origin}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model, stream, messages: [{ role: "user", content: "Hi ".repeat(200) }] }),
      ...(signal === undefined ? {} : { signal }),
    });
  let asked = 0;
  let wrong = 0;
  const round = async () => {
    const controller = new AbortController();
    const [whole, streamed, fallen, aborted] = await Promise.all([
      ask("cloud/normal", false).then((response) => response.json()),
      ask("cloud/normal", true).then((response) => response.text()),
      ask("smart", false).then((response) => response.status),
      ask("cloud/hang-mid-stream", true, controller.signal).then(async (response) => {
        await response.body!.getReader().read();
        controller.abort();
      }),
    ]) as [{ usage?: unknown }, string, number, unknown];
    asked += 4;
    if (whole.usage === undefined || !streamed.endsWith("data: [DONE]\n\n") || fallen !== 200) wrong++;
    return aborted;
  };
  const end = performance.now() + seconds * 1000;
  const samples: number[] = [];
  let reloads = 0;
  while (performance.now() < end) {
    for (let index = 0; index < 50; index++) await Promise.all(Array.from({ length: 8 }, round));
    writeFileSync(join(gateway.directory, "gateway.toml"), config(String(15_000 + ++reloads % 2)));
    samples.push(residentMb(gateway.pid));
  }
  await until(() => upstream.open() < 20, "the end of the aborted calls");
  const half = Math.floor(samples.length / 2);
  const median = (values: number[]) =>
    values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)]!;
  console.info(
    `${asked} requests, ${reloads} reloads, ${samples.map(Math.round).join(" ")} MB, ${
      openFiles(gateway.pid)
    } files`,
  );
  expect(wrong).toBe(0);
  expect(openFiles(gateway.pid)).toBeLessThan(120);
  // Grown heaps are given back late; what leaks goes on growing.
  if (samples.length >= 4) {
    expect(median(samples.slice(half))).toBeLessThan(median(samples.slice(0, half)) * 1.25 + 20);
  }
  expect(await gateway.stop()).toBe(0);
  await upstream.close();
}, (seconds + 120) * 1000);

test("a gateway that is killed over and over starts again with its key and its records", async () => {
  const first = await startGateway({ args: ["--host", "0.0.0.0"] });
  await until(() => first.stdout().includes("sk-ir-"));
  const key = first.stdout().match(/sk-ir-[0-9A-Za-z]+-[0-9A-Za-z]+/)![0];
  first.signal("SIGKILL");
  await first.exited;
  let records = 0;
  for (let index = 0; index < 20; index++) {
    const port = await freePort();
    const child = Bun.spawn([
      executable,
      "run",
      "--port",
      String(port),
      "--data-dir",
      join(first.directory, "data"),
    ], {
      cwd: first.directory,
      stdout: "ignore",
      stderr: "ignore",
      env: { PATH: "/usr/bin:/bin" },
    });
    const origin = `http://127.0.0.1:${port}`;
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    await until(async () => await fetch(`${origin}/readyz`).then(({ ok }) => ok, () => false));
    const body = JSON.stringify({ model: "mock-llama", messages: [{ role: "user", content: "Hi" }] });
    const statuses = await Promise.all(
      Array.from(
        { length: 20 },
        () =>
          fetch(`${origin}/v1/chat/completions`, { method: "POST", headers, body }).then(({ status }) =>
            status
          ),
      ),
    );
    expect(new Set(statuses)).toEqual(new Set([200]));
    const list = await (await fetch(`${origin}/admin/v1/decisions?limit=1000`, { headers })).json() as {
      data: unknown[];
    };
    expect(list.data.length).toBe(records + 20);
    records = list.data.length;
    child.kill("SIGKILL");
    await child.exited;
  }
}, 120_000);
