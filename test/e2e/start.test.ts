import { afterAll, describe, expect, test } from "bun:test";
import { createServer } from "node:http";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startUpstream } from "../support/upstream.ts";
import { executable, type Gateway, startGateway, until } from "./support/gateway.ts";

const started: Gateway[] = [];
const start = async (options: Parameters<typeof startGateway>[0] = {}) => {
  const gateway = await startGateway(options);
  started.push(gateway);
  return gateway;
};
afterAll(async () => {
  for (const gateway of started) await gateway.stop();
});

const chat = (gateway: Gateway, model: string, headers: Record<string, string> = {}) =>
  fetch(`${gateway.origin}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ model, messages: [{ role: "user", content: "Hello!" }] }),
  });

async function modelsOf(gateway: Gateway): Promise<{ id: string; mock?: boolean }[]> {
  return ((await (await fetch(`${gateway.origin}/v1/models`)).json()) as {
    data: { id: string; mock?: boolean }[];
  }).data;
}

describe("without any configuration", () => {
  test("the mock serves, is labelled, and the printed curl works as it stands", async () => {
    const gateway = await start();
    await until(() => gateway.stdout().includes("curl"));
    expect((await modelsOf(gateway)).find(({ id }) => id === "mock-llama")?.mock).toBe(true);
    const command = gateway.stdout().slice(gateway.stdout().indexOf("curl ")).trim();
    const answer = Bun.spawnSync(["sh", "-c", `${command} -sS`]);
    expect(JSON.parse(answer.stdout.toString()).choices[0].message.role).toBe("assistant");
  });

  test("a vendor whose key is in the environment is there", async () => {
    const upstream = await startUpstream();
    const gateway = await start({
      env: { OPENAI_API_KEY: "sk-from-the-environment", OPENAI_BASE_URL: upstream.url },
    });
    expect((await chat(gateway, "openai/normal")).status).toBe(200);
    expect(upstream.calls.at(-1)!.headers.authorization).toBe("Bearer sk-from-the-environment");
    expect((await chat(gateway, "mock-llama")).status).toBe(200);
    await upstream.close();
  });

  test("a model server on its usual port is found, and another IntelliRouter there is not taken for one", async () => {
    const port = 11434;
    const server = createServer((request, response) => {
      const body = request.url === "/api/version" ? { version: "0.9.0" } : {
        object: "list",
        data: [{ id: "llama3.2:latest", object: "model", created: 1, owned_by: "library" }],
      };
      response.setHeader("content-type", "application/json").end(JSON.stringify(body));
    });
    await new Promise<void>((resolve, reject) =>
      server.once("error", reject).listen(port, "127.0.0.1", resolve)
    );
    await start({ port: 8080 });
    const gateway = await start();
    await until(
      async () => (await modelsOf(gateway)).some(({ id }) => id === "ollama/llama3.2:latest"),
      "the local server",
    );
    expect(gateway.stdout()).toContain("found: http://127.0.0.1:11434");
    expect(gateway.stdout()).not.toContain("llama-cpp");
    server.closeAllConnections();
    server.close();
  });
});

describe("with a configuration", () => {
  const provider =
    '[[providers]]\nname = "cloud"\nkind = "openai-compatible"\nbase_url = "http://127.0.0.1:9/v1"\nlist_models = false\n';

  test("the mock is absent unless named", async () => {
    const gateway = await start({ config: provider });
    expect(await modelsOf(gateway)).toEqual([]);
    expect((await chat(gateway, "mock-llama")).status).toBe(404);
    const named = await start({ config: `${provider}[[providers]]\nname = "pretend"\nkind = "mock"\n` });
    expect((await chat(named, "pretend/mock-llama")).status).toBe(200);
  });

  test("[chromadb] is accepted and named in a warning", async () => {
    const gateway = await start({ config: '[chromadb]\nhost = "localhost"\nport = 8001\n' });
    await until(() => gateway.stderr().includes("[chromadb]"));
  });

  test("a wrong file ends the start with code 2 and its place", async () => {
    const gateway = await startGateway({ config: "[server]\nprot = 8000\n", expectFailure: true });
    expect(await gateway.exited).toBe(2);
    expect(gateway.stderr()).toMatch(/gateway\.toml:2:1: .*prot.*port/);
  });

  test("a port in use is said clearly", async () => {
    const first = await start();
    const second = await startGateway({ port: first.port, expectFailure: true });
    expect(await second.exited).toBe(1);
    expect(second.stderr()).toContain(`127.0.0.1:${first.port}`);
  });

  test("a changed file is taken over; a bad one leaves the old settings running; requests in flight do not notice", async () => {
    const gateway = await start({
      config: '[[models]]\nid = "first"\ntarget = "mock/mock-llama"\n[discovery]\nmock = "on"\n',
    });
    const file = join(gateway.directory, "gateway.toml");
    const stream = await fetch(`${gateway.origin}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        model: "first",
        stream: true,
        messages: [{ role: "user", content: "A long answer." }],
      }),
    });
    writeFileSync(file, '[[models]]\nid = "second"\ntarget = "mock/mock-llama"\n[discovery]\nmock = "on"\n');
    await until(async () => (await chat(gateway, "second")).status === 200, "the new model");
    expect((await chat(gateway, "first")).status).toBe(404);
    expect(await stream.text()).toEndWith("data: [DONE]\n\n");
    writeFileSync(file, "[[models]\nid = ");
    await until(() => gateway.stderr().includes("the old one goes on"), "the complaint");
    expect((await chat(gateway, "second")).status).toBe(200);
    writeFileSync(file, '[[models]]\nid = "third"\ntarget = "mock/mock-llama"\n[discovery]\nmock = "on"\n');
    gateway.signal("SIGHUP");
    await until(async () => (await chat(gateway, "third")).status === 200, "the third model");
  });
});

describe("access", () => {
  test("on another address than loopback the first start makes one key, prints it once, and asks for it from then on", async () => {
    const first = await startGateway({ args: ["--host", "0.0.0.0"] });
    await until(() => first.stdout().includes("curl"));
    const key = first.stdout().match(/sk-ir-[0-9A-Za-z]+-[0-9A-Za-z]+/)?.[0];
    expect(key).toBeDefined();
    expect((await chat(first, "mock-llama")).status).toBe(401);
    expect((await chat(first, "mock-llama", { authorization: `Bearer ${key}` })).status).toBe(200);
    expect((await fetch(`${first.origin}/admin/v1/decisions`, { headers: { "x-api-key": key! } })).status)
      .toBe(200);
    expect((await fetch(`${first.origin}/livez`)).status).toBe(200);
    expect(await (await fetch(`${first.origin}/readyz`)).json()).toEqual({ status: "ok" });
    expect(first.stderr()).not.toContain(key!);
    // A second gateway on the same state knows the key and does not print it, on loopback either.
    const second = await start({ args: ["--data-dir", join(first.directory, "data")] });
    await until(() => second.stdout().includes("curl"));
    expect(second.stdout()).not.toContain("sk-ir-");
    expect((await chat(second, "mock-llama")).status).toBe(401);
    expect((await chat(second, "mock-llama", { "api-key": key! })).status).toBe(200);
    await first.stop();
  });

  test("static keys by hash and from the environment; a key's models hold for every target", async () => {
    const key = "an-operators-own-static-key";
    const hash = Bun.spawnSync([executable, "config", "hash-key"], { stdin: Buffer.from(key) }).stdout
      .toString().trim();
    const gateway = await start({
      config: `
[auth]
mode = "required"
keys = [{ id = "app", hash = "${hash}", models = ["mock/mock-llama"] }]
[discovery]
mock = "on"
[[routes]]
name = "sneaky"
targets = ["mock/mock-llama-error-500", "mock/mock-llama"]
`,
      env: {
        INTELLIROUTER_API_KEYS: "from-the-environment-1,from-the-environment-2",
        INTELLIROUTER_ADMIN_KEY: "the-admin-key-of-the-environment",
      },
    });
    const as = (secret: string) => ({ authorization: `Bearer ${secret}` });
    expect((await chat(gateway, "mock-llama")).status).toBe(401);
    expect((await chat(gateway, "mock-llama", as(key))).status).toBe(200);
    expect((await chat(gateway, "mock-llama-slow", as("from-the-environment-2x"))).status).toBe(401);
    expect((await chat(gateway, "mock/other", as(key))).status).toBe(403);
    const viaRoute = await chat(gateway, "sneaky", as(key));
    expect(viaRoute.status).toBe(200);
    expect(viaRoute.headers.get("x-intellirouter-target")).toBe("mock/mock-llama");
    expect((await chat(gateway, "mock-llama", as("from-the-environment-2"))).status).toBe(200);
    expect((await fetch(`${gateway.origin}/admin/v1/decisions`, { headers: as(key) })).status).toBe(403);
    expect(
      (await fetch(`${gateway.origin}/admin/v1/decisions`, {
        headers: as("the-admin-key-of-the-environment"),
      })).status,
    ).toBe(200);
    const own = await (await fetch(`${gateway.origin}/v1/models`, { headers: as(key) })).json() as {
      data: { id: string }[];
    };
    expect(own.data.map(({ id }) => id).sort()).toEqual(["mock-llama", "sneaky"]);
  });
});

test("cross-origin access is off by default and answers only the configured pages", async () => {
  const closed = await start();
  const preflight = (gateway: Gateway, origin: string) =>
    fetch(`${gateway.origin}/v1/chat/completions`, {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization, x-stainless-lang",
      },
    });
  expect((await preflight(closed, "https://chat.example")).headers.has("access-control-allow-origin")).toBe(
    false,
  );
  const open = await start({ config: '[cors]\norigins = ["https://chat.example"]\n' });
  const allowed = await preflight(open, "https://chat.example");
  expect(allowed.headers.get("access-control-allow-origin")).toBe("https://chat.example");
  expect(allowed.headers.get("access-control-allow-headers")?.toLowerCase()).toContain("authorization");
  expect((await preflight(open, "https://evil.example")).headers.get("access-control-allow-origin")).not.toBe(
    "https://evil.example",
  );
  const answer = await chat(open, "mock-llama", { origin: "https://chat.example" });
  expect(answer.headers.get("access-control-expose-headers")?.toLowerCase()).toContain("x-request-id");
});

test("neither keys nor prompts are in the logs, and prompts only when asked for", async () => {
  const canary = "canary-prompt-5471";
  const key = "canary-key-of-a-client-9321";
  const ask = (gateway: Gateway) =>
    fetch(`${gateway.origin}/v1/chat/completions?api_key=${key}`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
      body: JSON.stringify({ model: "mock-llama", messages: [{ role: "user", content: canary }] }),
    });
  const quiet = await startGateway({ env: { INTELLIROUTER_LOGGING__LEVEL: "debug" } });
  expect((await ask(quiet)).status).toBe(200);
  await quiet.stop();
  expect(quiet.stderr()).toContain('"target":"mock/mock-llama"');
  expect(quiet.stderr()).not.toContain(canary);
  expect(quiet.stderr()).not.toContain(key);
  const talkative = await startGateway({
    env: { INTELLIROUTER_LOGGING__LEVEL: "debug", INTELLIROUTER_LOGGING__PROMPTS: "true" },
  });
  await ask(talkative);
  await talkative.stop();
  expect(talkative.stderr()).toContain(canary);
  expect(talkative.stderr()).not.toContain(key);
});
