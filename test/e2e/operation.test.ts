/** What an operator meets: keys that come and go, corrected settings, damaged files, loops, and an end in a hurry. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import {
  chunk,
  completion,
  event,
  sendJson,
  startStream,
  startUpstream,
  type Upstream,
} from "../support/upstream.ts";
import { freePort, type Gateway, startGateway, until } from "./support/gateway.ts";

let upstream: Upstream;
beforeAll(async () => {
  upstream = await startUpstream();
});
afterAll(() => upstream.close());

const provider = (more = "") =>
  `[[providers]]\nname = "up"\nkind = "openai-compatible"\nbase_url = "${upstream.url}"\nlist_models = false\n${more}\n`;

function ask(
  gateway: Gateway,
  model: string,
  init: { headers?: Record<string, string>; signal?: AbortSignal; stream?: boolean } = {},
) {
  return fetch(`${gateway.origin}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", ...init.headers },
    body: JSON.stringify({
      model,
      messages: [{ role: "user", content: "Hello" }],
      ...(init.stream ? { stream: true } : {}),
    }),
    ...(init.signal === undefined ? {} : { signal: init.signal }),
  });
}

async function withGateway(
  options: Parameters<typeof startGateway>[0],
  work: (gateway: Gateway) => Promise<void>,
): Promise<void> {
  const gateway = await startGateway(options);
  try {
    await work(gateway);
  } finally {
    await gateway.stop();
  }
}

test("a first start that cannot listen makes no key that nobody would ever see", async () => {
  const taken = createServer();
  const port = await new Promise<number>((resolve) =>
    taken.listen(0, "0.0.0.0", () => resolve((taken.address() as { port: number }).port))
  );
  const failed = await startGateway({ port, args: ["--host", "0.0.0.0"], expectFailure: true });
  expect(await failed.exited).not.toBe(0);
  taken.close();
  const data = join(failed.directory, "data");
  await withGateway({ args: ["--host", "0.0.0.0", "--data-dir", data] }, async (gateway) => {
    await until(() => gateway.stdout().includes("Try"), "the welcome");
    const key = gateway.stdout().match(/sk-ir-\w+-\w+/)?.[0];
    expect(key).toBeDefined();
    const models = await fetch(`${gateway.origin}/v1/models`, {
      headers: { authorization: `Bearer ${key}` },
    });
    expect(models.status).toBe(200);
  });
  await failed.stop();
});

test("a reload that would lock everybody out is refused", async () => {
  await withGateway({ config: provider() }, async (gateway) => {
    writeFileSync(join(gateway.directory, "gateway.toml"), `${provider()}[auth]\nmode = "required"\n`);
    gateway.signal("SIGHUP");
    await until(() => gateway.stderr().includes("asks for a key and there is none"), "the refusal");
    expect((await ask(gateway, "up/m")).status).toBe(200);
  });
});

test("a corrected key works at once after a reload", async () => {
  upstream.on("keyed", (call, response) => {
    if (call.headers.authorization === "Bearer right") sendJson(response, 200, completion("keyed"));
    else {sendJson(response, 401, {
        error: { message: "no", type: "x", param: null, code: "invalid_api_key" },
      });}
  });
  await withGateway({ config: provider('api_key = "wrong"') }, async (gateway) => {
    expect((await ask(gateway, "up/keyed")).status).toBe(502);
    expect((await ask(gateway, "up/keyed")).status).toBe(503);
    writeFileSync(join(gateway.directory, "gateway.toml"), provider('api_key = "right"'));
    gateway.signal("SIGHUP");
    await until(() => gateway.stderr().includes("was reloaded"), "the reload");
    expect((await ask(gateway, "up/keyed")).status).toBe(200);
  });
});

test("a client that leaves is no error of the gateway", async () => {
  let arrived = () => {};
  const arrival = new Promise<void>((resolve) => (arrived = resolve));
  upstream.on("hang", () => arrived());
  await withGateway({ config: provider() }, async (gateway) => {
    const leaving = new AbortController();
    const asked = ask(gateway, "up/hang", { signal: leaving.signal }).catch(() => undefined);
    await arrival;
    leaving.abort();
    await asked;
    await until(() => gateway.stderr().includes('"status":499'), "the access line");
    expect(gateway.stderr()).not.toContain('"level":"error"');
    expect(gateway.stderr()).toContain("The client left before its answer.");
  });
});

test("when the grace is over streams are told, and their records are kept", async () => {
  upstream.on("stall", (_call, response) => {
    startStream(response);
    response.write(event(chunk("stall", { role: "assistant", content: "Hel" })));
  });
  const config = `${provider()}[shutdown]\ngrace_ms = 200\n`;
  const gateway = await startGateway({ config });
  const response = await ask(gateway, "up/stall", { stream: true });
  const decision = response.headers.get("x-intellirouter-decision")!;
  const reader = response.body!.getReader();
  await reader.read();
  gateway.signal("SIGTERM");
  let text = "";
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    text += new TextDecoder().decode(piece.value);
  }
  expect(text).toContain('data: {"error":{"message":"The gateway is shutting down."');
  expect(text).toEndWith("data: [DONE]\n\n");
  await gateway.exited;
  await withGateway({ config, args: ["--data-dir", join(gateway.directory, "data")] }, async (next) => {
    const record = await (await fetch(`${next.origin}/admin/v1/decisions/${decision}`)).json();
    expect(record).toMatchObject({ id: decision, outcome: "truncated" });
  });
  await gateway.stop();
});

test("a damaged decision log is set aside", async () => {
  const holder = await startGateway({ config: provider() });
  const data = join(holder.directory, "broken");
  mkdirSync(data, { mode: 0o700 });
  writeFileSync(join(data, "gateway-decisions.sqlite"), "this is no database ".repeat(500));
  await withGateway({ config: provider(), args: ["--data-dir", data] }, async (gateway) => {
    expect(gateway.stderr()).toContain("it was set aside");
    expect((await ask(gateway, "up/m")).status).toBe(200);
    expect((await (await fetch(`${gateway.origin}/admin/v1/decisions`)).json()).data).toHaveLength(1);
  });
  expect(readdirSync(data).some((name) => name.includes(".damaged-"))).toBe(true);
  await holder.stop();
});

test("a provider that leads back to the gateway ends in an error after a few rounds", async () => {
  const port = await freePort();
  const config =
    `[[providers]]\nname = "me"\nkind = "openai-compatible"\nbase_url = "http://127.0.0.1:${port}/v1"\nlist_models = false\n[[routes]]\nname = "*"\ntargets = ["me/*"]\nretries = 0\n`;
  await withGateway({ config, port }, async (gateway) => {
    const response = await ask(gateway, "anything");
    expect(response.status).toBeGreaterThanOrEqual(500);
    const { data } = await (await fetch(`${gateway.origin}/admin/v1/decisions`)).json();
    expect(data.length).toBeLessThan(10);
  });
});

test("a web page that is not named cannot use a gateway without keys", async () => {
  await withGateway({ config: provider() }, async (gateway) => {
    expect((await ask(gateway, "up/m", { headers: { origin: "https://evil.example" } })).status).toBe(403);
    expect((await ask(gateway, "up/m", { headers: { host: "rebind.evil.example" } })).status).toBe(403);
    expect((await ask(gateway, "up/m")).status).toBe(200);
  });
});

test("what refuses a browser's request can be read by the page", async () => {
  await withGateway(
    { config: `${provider()}[cors]\norigins = ["https://chat.example"]\n` },
    async (gateway) => {
      const response = await fetch(`${gateway.origin}/nope`, { headers: { origin: "https://chat.example" } });
      expect(response.status).toBe(404);
      expect(response.headers.get("access-control-allow-origin")).toBe("https://chat.example");
    },
  );
});

test("every answer, whole or in pieces, good or bad, gives its place back", async () => {
  await withGateway({ config: `${provider()}[server]\nmax_concurrent_requests = 1\n` }, async (gateway) => {
    for (const init of [{}, {}, { stream: true }, { stream: true }, {}]) {
      const response = await ask(gateway, "up/m", init);
      expect(response.status).toBe(200);
      await response.text();
    }
    expect((await ask(gateway, "nope")).status).toBe(404);
    expect((await ask(gateway, "up/m")).status).toBe(200);
  });
});

test("a strategy goes on with what it has learnt when a reload leaves its route alone", async () => {
  const config = (level: string) =>
    `${provider()}[logging]\nlevel = "${level}"\n[[routes]]\nname = "turns"\nstrategy = "round-robin"\ntargets = ["up/a", "up/b", "up/c"]\n`;
  await withGateway({ config: config("info") }, async (gateway) => {
    const served = async () => (await ask(gateway, "turns")).headers.get("x-intellirouter-target");
    const first = [await served(), await served()];
    writeFileSync(join(gateway.directory, "gateway.toml"), config("debug"));
    gateway.signal("SIGHUP");
    await until(() => gateway.stderr().includes("was reloaded"), "the reload");
    expect(new Set([...first, await served()]).size).toBe(3);
  });
});

test("counts of a backend that does not count are marked as estimates", async () => {
  upstream.on(
    "silent",
    (_call, response) => sendJson(response, 200, completion("silent", { usage: undefined })),
  );
  await withGateway({ config: provider() }, async (gateway) => {
    const usageOf = async (model: string) => {
      const response = await ask(gateway, model);
      await response.text();
      const decision = response.headers.get("x-intellirouter-decision");
      return (await (await fetch(`${gateway.origin}/admin/v1/decisions/${decision}`)).json()).usage;
    };
    expect(await usageOf("up/silent")).toMatchObject({ estimated: true, completion_tokens: 5 });
    expect(await usageOf("up/m")).toMatchObject({ estimated: false, completion_tokens: 5 });
  });
});

test("a reload takes over the breaker's settings", async () => {
  upstream.on(
    "down",
    (_call, response) =>
      sendJson(response, 500, { error: { message: "down", type: "x", param: null, code: null } }),
  );
  const config = (failures: number) =>
    `${provider()}[routing]\nretries = 0\nbreaker = { failures = ${failures} }\n`;
  await withGateway({ config: config(100) }, async (gateway) => {
    for (let count = 0; count < 3; count++) expect((await ask(gateway, "up/down")).status).toBe(502);
    writeFileSync(join(gateway.directory, "gateway.toml"), config(1));
    gateway.signal("SIGHUP");
    await until(() => gateway.stderr().includes("was reloaded"), "the reload");
    expect((await ask(gateway, "up/down")).status).toBe(502);
    expect((await ask(gateway, "up/down")).status).toBe(503);
  });
});
