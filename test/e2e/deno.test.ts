import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { freePort, until } from "./support/gateway.ts";

const root = resolve(import.meta.dir, "../..");

test("deno task start serves the router role", async () => {
  const port = await freePort();
  const directory = mkdtempSync(join(tmpdir(), "intellirouter-deno-"));
  const child = Bun.spawn(
    [join(root, "node_modules/.bin/deno"), "task", "start", "--port", String(port), "--data-dir", directory],
    { cwd: root, stdout: "ignore", stderr: "pipe" },
  );
  const origin = `http://127.0.0.1:${port}`;
  await until(
    async () => await fetch(`${origin}/readyz`).then(({ ok }) => ok, () => false),
    "the router on Deno",
  );
  const ask = (stream: boolean) =>
    fetch(`${origin}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "mock-llama", stream, messages: [{ role: "user", content: "Hello!" }] }),
    });
  const whole = await (await ask(false)).json() as { choices: { finish_reason: string }[] };
  expect(whole.choices[0]!.finish_reason).toBe("stop");
  expect(await (await ask(true)).text()).toEndWith("data: [DONE]\n\n");
  const decisions = await (await fetch(`${origin}/admin/v1/decisions`)).json() as {
    data: { outcome: string }[];
  };
  expect(decisions.data.map(({ outcome }) => outcome)).toEqual(["ok", "ok"]);
  child.kill("SIGTERM");
  await child.exited;
  rmSync(directory, { recursive: true });
});
