/** Keys, roles, limits and budgets, as operators and clients meet them: the command line, the admin API, real clients, the executable. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { executable, type Gateway, startGateway, until } from "./support/gateway.ts";

const adminKey = "the-key-of-the-administrator";
let upstream: Upstream;
let gateway: Gateway;

beforeAll(async () => {
  upstream = await startUpstream();
  gateway = await startGateway({ config: configuration(), env: { INTELLIROUTER_ADMIN_KEY: adminKey } });
});
afterAll(async () => {
  await gateway.stop();
  await upstream.close();
});

/** One answer of `normal` costs 14 tokens: 9 of input, 5 of output. */
function configuration(extra = ""): string {
  return `
[[providers]]
name = "cloud"
kind = "openai-compatible"
base_url = "${upstream.url}"
list_models = false
[[providers]]
name = "free"
kind = "openai-compatible"
base_url = "${upstream.url}"
list_models = false
[[models]]
id = "cloud/normal"
price = { input = 0, output = 0, per_request = 0.01 }
[[models]]
id = "cloud/tokens"
price = { input = 1000, output = 2000 }
[[models]]
id = "free/normal"
price = { input = 0, output = 0 }
[[models]]
id = "alias"
target = "cloud/normal"
[[models]]
id = "cloud/narrow"
limits = { requests_per_minute = 1 }
[[routes]]
name = "smart"
targets = ["cloud/normal", "free/normal"]
[[routes]]
name = "spill"
targets = ["cloud/narrow", "free/normal"]
[[routes]]
name = "shaky"
targets = ["cloud/down", "free/normal"]
[[auth.roles]]
name = "auditor"
permissions = ["usage.read", "decisions.read"]
[[auth.teams]]
id = "fixed"
limits = { requests_per_minute = 2 }
${extra}`;
}

const chat = { messages: [{ role: "user" as const, content: "Hi" }] };

function client(key: string, origin = gateway.origin): OpenAI {
  return new OpenAI({ baseURL: `${origin}/v1`, apiKey: key, maxRetries: 0 });
}

function admin(method: string, path: string, body?: unknown, key = adminKey): Promise<Response> {
  return fetch(`${gateway.origin}/admin/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

// deno-lint-ignore no-explicit-any -- a test looks into whatever comes.
async function make(fields: Record<string, unknown>, key = adminKey): Promise<any> {
  const response = await admin("POST", "/keys", fields, key);
  const body = await response.json();
  if (response.status !== 200) throw new Error(JSON.stringify(body));
  return body;
}

function command(...args: string[]): { code: number; stdout: string; stderr: string } {
  const run = Bun.spawnSync([executable, ...args, "--data-dir", join(gateway.directory, "data")], {
    cwd: gateway.directory,
    env: { PATH: "/usr/bin:/bin" },
  });
  return { code: run.exitCode, stdout: run.stdout.toString(), stderr: run.stderr.toString() };
}

async function status(response: Promise<Response>): Promise<[number, string | null]> {
  const got = await response;
  const body = await got.json() as { error?: { code?: string } };
  return [got.status, body.error?.code ?? null];
}

function ask(key: string, model = "cloud/normal", origin = gateway.origin): Promise<Response> {
  return fetch(`${origin}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ model, ...chat }),
  });
}

describe("a key", () => {
  test("made by the admin API works at once, is shown once, and is kept as a hash", async () => {
    const made = await make({ name: "app", metadata: { cost_centre: "42" } });
    expect(made.key).toMatch(/^sk-ir-[0-9A-Za-z]{12}-[0-9A-Za-z]{49}$/);
    expect(made.key).toStartWith(`sk-ir-${made.id}-`);
    expect((await client(made.key).chat.completions.create({ model: "cloud/normal", ...chat })).choices)
      .toHaveLength(1);
    const shown = await (await admin("GET", `/keys/${made.id}`)).json();
    expect(shown).toEqual({ ...made, key: undefined });
    const list = await (await admin("GET", "/keys?limit=1000")).text();
    expect(list).toContain(made.id);
    expect([list.includes(made.key), /[0-9a-f]{64}/.test(list)]).toEqual([false, false]);
  });

  test("made on the command line works within a second, and ends so", async () => {
    const { stdout } = command("keys", "create", "--name", "cli", "--json");
    const { id, key } = JSON.parse(stdout);
    await until(async () => (await ask(key)).status === 200);
    expect(command("keys", "revoke", id).code).toBe(0);
    await until(async () => (await ask(key)).status === 401);
    expect(command("keys", "list").stdout).not.toContain(id);
    expect(command("keys", "list", "--all").stdout).toContain(id);
    // Both acts are in the audit log, in one chain with those of the gateway that runs.
    const acts = command("audit", "list", "--json").stdout;
    for (const action of ["key.create", "key.revoke"]) {
      expect(acts).toMatch(new RegExp(`"command-line","action":"${action}","resource":"key:${id}"`));
    }
    expect([acts.includes(key), command("audit", "verify").code]).toEqual([false, 0]);
  });

  test("that is revoked, disabled or expired is refused, and says why to whoever holds it", async () => {
    const revoked = await make({});
    expect((await admin("DELETE", `/keys/${revoked.id}`)).status).toBe(200);
    const disabled = await make({});
    await admin("PATCH", `/keys/${disabled.id}`, { disabled: true });
    const expired = await make({ expires_at: new Date(Date.now() + 300).toISOString() });
    await until(async () => (await ask(expired.key)).status === 401);
    for (
      const [{ key }, word] of [[revoked, "revoked"], [disabled, "disabled"], [expired, "expired"]] as const
    ) {
      const response = await ask(key);
      const { error } = await response.json() as { error: { code: string; message: string } };
      expect([response.status, error.code]).toEqual([401, "invalid_api_key"]);
      expect(error.message).toContain(word);
    }
    await admin("PATCH", `/keys/${disabled.id}`, { disabled: false });
    expect((await ask(disabled.key)).status).toBe(200);
    expect(await status(admin("PATCH", `/keys/${revoked.id}`, { disabled: false }))).toEqual([
      409,
      "key_revoked",
    ]);
  });

  test("is rotated with a grace period in which both secrets are good", async () => {
    const first = await make({});
    const second = await (await admin("POST", `/keys/${first.id}/rotate`, { grace_seconds: 1 })).json() as {
      key: string;
    };
    expect(second.key).not.toBe(first.key);
    expect([(await ask(first.key)).status, (await ask(second.key)).status]).toEqual([200, 200]);
    await until(async () => (await ask(first.key)).status === 401);
    expect((await ask(second.key)).status).toBe(200);
    const third = await (await admin("POST", `/keys/${first.id}/rotate`, {})).json() as { key: string };
    expect([(await ask(second.key)).status, (await ask(third.key)).status]).toEqual([401, 200]);
  });

  test("is bound to its models, names, endpoints and addresses", async () => {
    const models = await make({ models: ["free/*"] });
    expect(await status(ask(models.key))).toEqual(
      [403, "model_not_allowed"].map((value) => value) as [number, string],
    );
    expect((await ask(models.key, "free/normal")).status).toBe(200);
    const routes = await make({ routes: ["smart"] });
    expect((await ask(routes.key, "smart")).status).toBe(200);
    expect(await status(ask(routes.key, "cloud/normal"))).toEqual([403, "model_not_allowed"]);
    const endpoints = await make({ endpoints: ["/v1/embeddings"] });
    expect(await status(ask(endpoints.key))).toEqual([403, "permission_denied"]);
    const here = await make({ ip_ranges: ["127.0.0.0/8"] });
    expect((await ask(here.key)).status).toBe(200);
    const elsewhere = await make({ ip_ranges: ["10.0.0.0/8", "2001:db8::/32"] });
    expect(await status(ask(elsewhere.key))).toEqual([403, "address_not_allowed"]);
  });

  test("reaches no target that it may not use, whatever leads there", async () => {
    const { key } = await make({ models: ["free/*"] });
    expect(await status(ask(key, "alias"))).toEqual([403, "model_not_allowed"]);
    const before = upstream.calls.length;
    // The route's first target is forbidden; the second serves.
    expect((await ask(key, "smart")).headers.get("x-intellirouter-target")).toBe("free/normal");
    const dear = await make({ models: ["cloud/*"] });
    upstream.on("down", (_call, response) => void response.writeHead(503).end());
    // The route's fallback is forbidden: the failure stays one.
    expect((await ask(dear.key, "shaky")).status).toBe(503);
    expect(upstream.calls.slice(before).filter(({ body }) => body.model === "normal")).toHaveLength(1);
  });
});

describe("rights", () => {
  test("of a key are never more than those of its maker", async () => {
    await admin("PUT", "/teams/makers", {});
    await admin("PUT", "/teams/others", {});
    const maker = await make({
      team: "makers",
      roles: ["admin"],
      models: ["cloud/*"],
      endpoints: ["/v1/*", "/admin/v1/keys*"],
      ip_ranges: ["127.0.0.0/8"],
      expires_at: "2099-01-01",
    });
    const good = {
      models: ["cloud/normal"],
      endpoints: ["/v1/chat/*"],
      ip_ranges: ["127.0.0.1"],
      expires_at: "2098-01-01",
    };
    const made = await make(good, maker.key);
    expect([made.team, made.created_by]).toEqual(["makers", maker.id]);
    for (
      const [field, value] of Object.entries({
        models: ["*"],
        endpoints: ["*"],
        ip_ranges: ["0.0.0.0/0"],
        expires_at: "2100-01-01",
        team: "others",
        tenant: "somebody-else",
      })
    ) {
      const response = await admin("POST", "/keys", { ...good, [field]: value }, maker.key);
      const { error } = await response.json() as { error: { code: string; param: string } };
      expect([response.status, error.code, error.param]).toEqual([403, "insufficient_rights", field]);
      const changed = await admin("PATCH", `/keys/${made.id}`, { [field]: value }, maker.key);
      expect([field, changed.status]).toEqual([field, 403]);
    }
    for (const missing of ["models", "ip_ranges", "expires_at"] as const) {
      const { [missing]: _, ...rest } = good;
      expect([missing, (await admin("POST", "/keys", rest, maker.key)).status]).toEqual([missing, 403]);
    }
    const writer = await make({ roles: ["auditor"] });
    expect(await status(admin("POST", "/keys", {}, writer.key))).toEqual([403, "permission_denied"]);
  });

  test("do not reach beyond the key's own team", async () => {
    for (const team of ["red", "blue"]) await admin("PUT", `/teams/${team}`, {});
    const red = await make({ team: "red", roles: ["admin"] });
    const blue = await make({ team: "blue", roles: ["admin"] });
    for (
      const [method, path, body] of [
        ["GET", `/keys/${blue.id}`],
        ["PATCH", `/keys/${blue.id}`, { name: "mine" }],
        ["POST", `/keys/${blue.id}/rotate`, {}],
        ["DELETE", `/keys/${blue.id}`],
        ["GET", "/teams/blue"],
        ["PUT", "/teams/blue", {}],
        ["PUT", "/teams/red", { budget: { total_usd: 1_000_000 } }],
        ["DELETE", "/teams/blue"],
      ] as const
    ) {
      expect([method, path, (await admin(method, path, body, red.key)).status]).toEqual([method, path, 404]);
    }
    const list = await (await admin("GET", "/keys?limit=1000", undefined, red.key)).json() as {
      data: { id: string; team: string }[];
    };
    expect(new Set(list.data.map(({ team }) => team))).toEqual(new Set(["red"]));
    expect(await status(admin("GET", "/usage?team=blue", undefined, red.key))).toEqual([
      403,
      "permission_denied",
    ]);
    const answer = await ask(blue.key);
    const decision = answer.headers.get("x-intellirouter-decision");
    expect((await admin("GET", `/decisions/${decision}`, undefined, red.key)).status).toBe(404);
    expect((await admin("GET", `/decisions/${decision}`, undefined, blue.key)).status).toBe(200);
  });

  test("cannot be had by rotating or changing the key of somebody with more", async () => {
    const strong = await make({ roles: ["admin"] });
    await admin("PUT", "/teams/small", {});
    const weak = await make({ team: "small", roles: ["admin"], models: ["free/*"] });
    const inTeam = await make({ team: "small", roles: ["developer"], models: ["*"] });
    expect((await admin("POST", `/keys/${strong.id}/rotate`, {}, weak.key)).status).toBe(404);
    expect(await status(admin("POST", `/keys/${inTeam.id}/rotate`, {}, weak.key))).toEqual([
      403,
      "insufficient_rights",
    ]);
    expect(await status(admin("PATCH", `/keys/${weak.id}`, { models: ["*"] }, weak.key))).toEqual([
      403,
      "insufficient_rights",
    ]);
  });

  test("cannot be had by fields that nobody may set", async () => {
    for (
      const body of [
        { hash: "0".repeat(64) },
        { id: "chosen" },
        { created_by: "somebody" },
        { version: 9 },
        { revoked_at: 1 },
        JSON.parse('{"__proto__":{"roles":["admin"]}}'),
        JSON.parse('{"constructor":{"prototype":{"roles":["admin"]}}}'),
        { roles: ["root"] },
        { roles: "admin" },
        { limits: { requests_per_minute: -1 } },
        { limits: { requests_per_minute: 1.5 } },
        { limits: { requests_per_minute: 1e400 } },
        { budget: { total_usd: -0.01 } },
        { budget: { total_usd: "5" } },
        { budget: { on_exhaust: "explode" } },
        { ip_ranges: ["not an address"] },
        { expires_at: "soon" },
        { team: "../../etc" },
        { team: "unknown-team" },
        { metadata: { x: "y".repeat(600) } },
        [],
        null,
        "text",
      ]
    ) {
      const response = await admin("POST", "/keys", body);
      const text = await response.text();
      expect([JSON.stringify(body), response.status]).toEqual([JSON.stringify(body), 400]);
      expect(JSON.parse(text).error.type).toBe("invalid_request_error");
    }
    expect(({} as { roles?: unknown }).roles).toBeUndefined();
  });

  test("are asked for by every administrative route", async () => {
    const { key } = await make({ roles: ["developer"] });
    const document = await (await fetch(`${gateway.origin}/openapi.json`)).json() as {
      paths: Record<string, Record<string, unknown>>;
    };
    const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => [method.toUpperCase(), path] as const)
    ).filter(([, path]) => path.startsWith("/admin/"));
    expect(routes.length).toBeGreaterThan(12);
    for (const [method, path] of routes) {
      const url = path.slice("/admin/v1".length).replace(/\{\w+\}/g, "x");
      const body = method === "GET" || method === "DELETE" ? undefined : {};
      expect([method, path, (await admin(method, url, body, key)).status]).toEqual([method, path, 403]);
      expect([method, path, (await admin(method, url, body, "not-a-key-at-all")).status]).toEqual([
        method,
        path,
        401,
      ]);
    }
  });
});

describe("limits", () => {
  test("of requests hold for a key, and answers say how they stand", async () => {
    const { key } = await make({ limits: { requests_per_minute: 3, tokens_per_minute: 100_000 } });
    const first = await ask(key);
    const headers = Object.fromEntries(first.headers);
    expect(headers).toMatchObject({
      "x-ratelimit-limit-requests": "3",
      "x-ratelimit-remaining-requests": "2",
      "x-ratelimit-limit-tokens": "100000",
    });
    expect(headers["x-ratelimit-reset-requests"]).toMatch(/^(\d+m)?\d+m?s$/);
    await Promise.all([ask(key), ask(key)]);
    const error = await client(key).chat.completions.create({ model: "cloud/normal", ...chat }).catch((
      thrown,
    ) => thrown);
    expect(error).toBeInstanceOf(OpenAI.RateLimitError);
    expect([error.code, error.type]).toEqual(["rate_limit_exceeded", "requests"]);
    expect(Number(error.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(Number(error.headers.get("retry-after-ms"))).toBeGreaterThan(0);
    const anthropic = new Anthropic({ baseURL: gateway.origin, apiKey: key, maxRetries: 0 });
    const refusal = await anthropic.messages.create({ model: "cloud/normal", max_tokens: 5, ...chat })
      .catch((thrown) => thrown);
    expect(refusal).toBeInstanceOf(Anthropic.RateLimitError);
  });

  test("of an Anthropic client are told in its own headers", async () => {
    const { key } = await make({ limits: { requests_per_minute: 5 } });
    const response = await fetch(`${gateway.origin}/v1/messages`, {
      method: "POST",
      headers: { "x-api-key": key, "content-type": "application/json" },
      body: JSON.stringify({ model: "cloud/normal", max_tokens: 5, ...chat }),
    });
    expect(response.headers.get("anthropic-ratelimit-requests-limit")).toBe("5");
    expect(response.headers.get("anthropic-ratelimit-requests-remaining")).toBe("4");
    expect(Date.parse(response.headers.get("anthropic-ratelimit-requests-reset")!)).toBeGreaterThan(
      Date.now(),
    );
  });

  test("of a team are shared by its keys", async () => {
    const [one, two] = [await make({ team: "fixed" }), await make({ team: "fixed" })];
    expect([(await ask(one.key)).status, (await ask(two.key)).status, (await ask(one.key)).status]).toEqual([
      200,
      200,
      429,
    ]);
  });

  test("of tokens are set aside before and corrected after", async () => {
    const { key } = await make({ limits: { tokens_per_minute: 200 } });
    const with100 = (tokens: number) =>
      client(key).chat.completions.create({ model: "cloud/normal", ...chat, max_tokens: tokens });
    await with100(150);
    // 150 were set aside, and 14 used.
    await with100(150);
    const error = await with100(190).catch((thrown) => thrown);
    expect([error.status, error.type]).toEqual([429, "tokens"]);
    const never = await with100(1_000).catch((thrown) => thrown);
    expect(never.headers.get("x-should-retry")).toBe("false");
  });

  test("of requests at the same time hold until the answer is out", async () => {
    const { key } = await make({ limits: { concurrent_requests: 1 } });
    const stream = await client(key).chat.completions.create({
      model: "cloud/hang-mid-stream",
      ...chat,
      stream: true,
    });
    await stream[Symbol.asyncIterator]().next();
    expect(await status(ask(key))).toEqual([429, "rate_limit_exceeded"]);
    stream.controller.abort();
    await until(async () => (await ask(key)).status === 200);
  });

  test("of one request's size hold", async () => {
    const { key } = await make({ limits: { max_tokens_per_request: 100 } });
    expect(
      await status(fetch(`${gateway.origin}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
        body: JSON.stringify({ model: "cloud/normal", max_tokens: 200, ...chat }),
      })),
    ).toEqual([400, "tokens_per_request_exceeded"]);
    expect((await ask(key)).status).toBe(200);
    // One that says nothing of its length is given what the limit leaves.
    const { body } = upstream.calls.at(-1)!;
    expect(body.max_completion_tokens ?? body.max_tokens).toBeLessThan(100);
  });

  test("of a model send what is over them to the route's next target", async () => {
    const { key } = await make({});
    upstream.on("narrow", (_call, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({
        id: "c",
        object: "chat.completion",
        created: 1,
        model: "narrow",
        choices: [{ index: 0, message: { role: "assistant", content: "x" }, finish_reason: "stop" }],
      }));
    });
    const targets = [];
    for (let index = 0; index < 2; index++) {
      targets.push((await ask(key, "spill")).headers.get("x-intellirouter-target"));
    }
    expect(targets).toEqual(["cloud/narrow", "free/normal"]);
  });
});

describe("budgets", () => {
  test("of 200 requests at once no more are served than it pays for", async () => {
    const { key } = await make({ budget: { total_usd: 0.1 } });
    const before = upstream.calls.length;
    const answers = await Promise.all(Array.from({ length: 200 }, () => ask(key)));
    const codes = await Promise.all(
      answers.map(async (
        answer,
      ) => [answer.status, (await answer.json() as { error?: { code: string } }).error?.code]),
    );
    expect(codes.filter(([code]) => code === 200)).toHaveLength(10);
    expect(codes.filter(([code]) => code !== 200)).toEqual(Array(190).fill([429, "insufficient_quota"]));
    expect(upstream.calls.length - before).toBe(10);
    expect((await ask(key)).headers.get("x-should-retry")).toBe("false");
    const own =
      await (await fetch(`${gateway.origin}/v1/key`, { headers: { authorization: `Bearer ${key}` } })).json();
    expect(own).toMatchObject({ limits: [{ limit: "total_usd", most: 0.1, used: 0.1, reserved: 0 }] });
  });

  test("of organisation, team and key must all hold, streamed or whole", async () => {
    await admin("PUT", "/organisations/house", { budget: { monthly_usd: 0.05 } });
    await admin("PUT", "/teams/inner", { organisation: "house", budget: { daily_usd: 0.03 } });
    const one = await make({ team: "inner", budget: { total_usd: 0.02 } });
    const two = await make({ team: "inner" });
    for (const stream of [true, false]) {
      const answer = await client(one.key).chat.completions.create({
        model: "cloud/normal",
        ...chat,
        stream,
      });
      if (stream) { for await (const _ of answer as unknown as AsyncIterable<unknown>); }
    }
    expect(await status(ask(one.key))).toEqual([429, "insufficient_quota"]);
    expect((await ask(two.key)).status).toBe(200);
    const refused = await (await ask(two.key)).json() as { error: { message: string } };
    expect(refused.error.message).toContain("team inner");
  });

  test("are given back what was set aside and not used, and pay for what was used when a client leaves", async () => {
    const { key } = await make({ budget: { total_usd: 10 } });
    const standing = async () => {
      const response = await fetch(`${gateway.origin}/v1/key`, {
        headers: { authorization: `Bearer ${key}` },
      });
      return (await response.json() as { limits: { used: number; reserved: number }[] }).limits[0]!;
    };
    const stream = await client(key).chat.completions.create({
      model: "cloud/hang-mid-stream",
      ...chat,
      stream: true,
      max_tokens: 100,
    }).catch((thrown) => thrown);
    expect(stream.code).toBe("price_unknown");
    upstream.on("tokens", async (call, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(
        'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"tokens","choices":[{"index":0,"delta":{"role":"assistant","content":"four words of text"},"finish_reason":null}]}\n\n',
      );
      await call.aborted;
    });
    const begun = await client(key).chat.completions.create({
      model: "cloud/tokens",
      ...chat,
      stream: true,
      max_tokens: 100,
    });
    await begun[Symbol.asyncIterator]().next();
    expect((await standing()).reserved).toBeGreaterThan(0.2);
    begun.controller.abort();
    await until(async () => (await standing()).reserved === 0);
    const { used } = await standing();
    expect(used).toBeGreaterThan(0.005);
    expect(used).toBeLessThan(0.05);
  });

  test("pay for what a backend says was used, though the client leaves after the last word", async () => {
    const { key } = await make({ budget: { total_usd: 100 } });
    upstream.on("tokens", async (_call, response) => {
      const piece = (fields: object) =>
        `data: ${
          JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "tokens", ...fields })
        }\n\n`;
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(
        piece({ choices: [{ index: 0, delta: { role: "assistant", content: "x" }, finish_reason: "stop" }] }),
      );
      await Bun.sleep(150);
      response.end(
        piece({ choices: [], usage: { prompt_tokens: 10, completion_tokens: 10_000, total_tokens: 10_010 } }),
      );
    });
    const stream = await client(key).chat.completions.create({
      model: "cloud/tokens",
      ...chat,
      stream: true,
    });
    for await (const part of stream) if (part.choices[0]?.finish_reason) break;
    const used = async () => {
      const response = await fetch(`${gateway.origin}/v1/key`, {
        headers: { authorization: `Bearer ${key}` },
      });
      return (await response.json() as { limits: { used: number }[] }).limits[0]!.used;
    };
    await until(async () => await used() > 20);
  });

  test("that are exhausted may go on with a cheaper model", async () => {
    const { key } = await make({ budget: { total_usd: 0.01, on_exhaust: "downgrade:free/normal" } });
    const targets = [];
    for (let index = 0; index < 3; index++) {
      targets.push((await ask(key)).headers.get("x-intellirouter-target"));
    }
    expect(targets).toEqual(["cloud/normal", "free/normal", "free/normal"]);
    const answer = await ask(key);
    const decision =
      await (await admin("GET", `/decisions/${answer.headers.get("x-intellirouter-decision")}`)).json();
    expect(decision).toMatchObject({
      model: "cloud/normal",
      downgraded_to: "free/normal",
      target: "free/normal",
    });
  });

  test("that are soft give alerts and refuse nothing", async () => {
    const { id, key } = await make({ budget: { total_usd: 0.02, mode: "soft", alerts: [0.5, 1] } });
    for (let index = 0; index < 4; index++) expect((await ask(key)).status).toBe(200);
    await until(() => gateway.stderr().split(`"account":"key:${id}"`).length === 3);
  });

  test("that are hard limit an answer that nobody else limits", async () => {
    const { key } = await make({ budget: { total_usd: 100 } });
    upstream.on("tokens", (call, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({
        id: "c",
        object: "chat.completion",
        created: 1,
        model: "tokens",
        choices: [{ index: 0, message: { role: "assistant", content: "x" }, finish_reason: "stop" }],
        usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
      }));
      void call;
    });
    expect((await ask(key, "cloud/tokens")).status).toBe(200);
    const { body } = upstream.calls.at(-1)!;
    expect(body.max_completion_tokens ?? body.max_tokens).toBe(16_384);
  });

  test("hold for every endpoint", async () => {
    const { key } = await make({ budget: { total_usd: 0 } });
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const refusals = await Promise.all(
      ([
        ["/v1/chat/completions", { ...chat }],
        ["/v1/completions", { prompt: "Hi" }],
        ["/v1/embeddings", { input: "Hi" }],
        ["/v1/messages", { max_tokens: 5, ...chat }],
        ["/v1/responses", { input: "Hi" }],
      ] as const).map(([path, body]) =>
        fetch(`${gateway.origin}${path}`, {
          method: "POST",
          headers,
          body: JSON.stringify({ model: "cloud/normal", ...body }),
        }).then(({ status }) => [path, status])
      ),
    );
    expect(refusals.filter(([, code]) => code !== 429)).toEqual([]);
  });
});

describe("the books", () => {
  test("have a row for every request, by the command line and the admin API", async () => {
    const { id, key } = await make({});
    await ask(key);
    await (await client(key).chat.completions.create({ model: "smart", ...chat, stream: true }))
      .toReadableStream()
      .pipeTo(new WritableStream());
    await ask(key, "cloud/no-such-thing-500").catch(() => {});
    const lines = async () =>
      (await (await admin("GET", `/usage/export?key=${id}`)).text()).trim().split("\n").map((line) =>
        JSON.parse(line)
      );
    const rows = await lines();
    expect(rows.map(({ model, target, stream }) => [model, target, stream]).slice(0, 2)).toEqual([
      ["cloud/normal", "cloud/normal", false],
      ["smart", "cloud/normal", true],
    ]);
    expect(rows[0]).toMatchObject({
      key: id,
      operation: "chat",
      outcome: "ok",
      status: 200,
      input_tokens: 9,
      output_tokens: 5,
      estimated: false,
      cost_usd: 0.01,
      attempts: 1,
    });
    expect(rows[0].price_version).toStartWith("configuration/");
    const sums = await (await admin("GET", `/usage?key=${id}&group_by=target,day`)).json() as {
      data: unknown[];
    };
    expect(sums.data.at(-1)).toMatchObject({
      group: { target: "cloud/normal" },
      requests: 2,
      cost_usd: 0.02,
    });
    await until(() => command("usage", "export", "--key", id).stdout.split("\n").length > 2);
    const csv = command("usage", "export", "--key", id, "--format", "csv").stdout.split("\n");
    expect(csv[0]).toStartWith("time,id,request_id,operation,model,");
    expect(command("usage", "export", "--key", id, "--rows", "attempts").stdout).toContain('"attempt":1');
    expect(command("usage", "report", "--by", "key", "--key", id).stdout).toContain(id);
    expect(command("usage", "reconcile").stdout).toContain("zero difference");
    expect(command("usage", "report", "--by", "weather").code).toBe(2);
    expect((await admin("GET", "/usage?group_by=weather")).status).toBe(400);
    expect((await admin("GET", "/usage?since=yesterday")).status).toBe(400);
  });

  test("and the budgets with them go on over a restart", async () => {
    const config = configuration();
    const own = await startGateway({ config, env: { INTELLIROUTER_ADMIN_KEY: adminKey } });
    const data = join(own.directory, "data");
    const { key } = JSON.parse(
      Bun.spawnSync([
        executable,
        "keys",
        "create",
        "--budget",
        "total_usd=0.03",
        "--json",
        "--data-dir",
        data,
      ], {
        cwd: own.directory,
        env: { PATH: "/usr/bin:/bin" },
      }).stdout.toString(),
    );
    await until(async () => (await ask(key, "free/normal", own.origin)).status === 200);
    for (let index = 0; index < 2; index++) {
      expect((await ask(key, "cloud/normal", own.origin)).status).toBe(200);
    }
    own.signal("SIGKILL");
    await own.exited;
    writeFileSync(join(own.directory, "gateway.toml"), config);
    const next = await startGateway({
      config,
      env: { INTELLIROUTER_ADMIN_KEY: adminKey },
      args: ["--data-dir", data],
    });
    expect((await ask(key, "cloud/normal", next.origin)).status).toBe(200);
    expect((await ask(key, "cloud/normal", next.origin)).status).toBe(429);
    await next.stop();
    await own.stop();
  });
});
