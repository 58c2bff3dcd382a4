/** Two gateways and a real Redis that is frozen, killed, restarted and emptied under them. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { type RedisServer, startRedis } from "../support/redis.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { executable, type Gateway, startGateway, until } from "./support/gateway.ts";

const adminKey = "the-key-of-the-administrator";
let upstream: Upstream;
let redis: RedisServer;
let one: Gateway;
let two: Gateway;

beforeAll(async () => {
  upstream = await startUpstream();
});
afterAll(() => upstream.close());
beforeEach(async () => {
  redis = await startRedis();
  [one, two] = await Promise.all([startNode(), startNode()]);
});
afterEach(async () => {
  redis.thaw();
  await Promise.all([one.stop(), two.stop()]);
  await redis.stop();
});

function configuration(): string {
  return `
[redis]
host = "127.0.0.1"
port = ${redis.port}
command_timeout_ms = 500
[[providers]]
name = "cloud"
kind = "openai-compatible"
base_url = "${upstream.url}"
list_models = false
[[models]]
id = "cloud/normal"
price = { input = 0, output = 0, per_request = 0.01 }
[[models]]
id = "cloud/free"
price = { input = 0, output = 0 }
`;
}

function startNode(): Promise<Gateway> {
  return startGateway({ config: configuration(), env: { INTELLIROUTER_ADMIN_KEY: adminKey } });
}

// deno-lint-ignore no-explicit-any -- a test looks into whatever comes.
async function make(fields: Record<string, unknown>): Promise<any> {
  const response = await administer("POST", "/keys", fields);
  if (!response.ok) throw new Error(await response.text());
  const made = await response.json() as { key: string };
  // The other one is told.
  await until(async () => (await ask(two, made.key, "cloud/free")).status !== 401);
  return made;
}

function administer(method: string, path: string, body?: unknown): Promise<Response> {
  return fetch(`${one.origin}/admin/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${adminKey}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

function ask(gateway: Gateway, key: string, model = "cloud/normal"): Promise<Response> {
  return fetch(`${gateway.origin}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ model, max_tokens: 5, messages: [{ role: "user", content: "Hi" }] }),
  });
}

async function standing(gateway: Gateway, key: string): Promise<{ used: number; most: number }[]> {
  const response = await fetch(`${gateway.origin}/v1/key`, { headers: { authorization: `Bearer ${key}` } });
  return (await response.json() as { limits: { used: number; most: number }[] }).limits;
}

/** How many of so many requests, sent to both at once, are served. */
async function served(key: string, count: number): Promise<number> {
  const answers = await Promise.all(
    Array.from({ length: count }, (_, index) => ask(index % 2 === 0 ? one : two, key)),
  );
  return answers.filter(({ status }) => status === 200).length;
}

test("of gateways that start at the same time for the first time one makes the first admin key", async () => {
  const config = configuration().replace("[[providers]]", `[auth]\nmode = "required"\n[[providers]]`)
    .replace("[redis]", '[redis]\nprefix = "first:"');
  const nodes = await Promise.all([0, 1, 2].map(() => startGateway({ config })));
  const keys = nodes.flatMap((node) =>
    [...(node.stdout() + node.stderr()).matchAll(/sk-ir-\w+-\w+/g)].map(([key]) => key)
  );
  expect(new Set(keys).size).toBe(1);
  for (const node of nodes) {
    await until(async () => {
      const headers = { authorization: `Bearer ${keys[0]}` };
      return (await fetch(`${node.origin}/admin/v1/keys`, { headers })).status === 200;
    });
  }
  await Promise.all(nodes.map((node) => node.stop()));
});

describe("two gateways share", () => {
  test("a key, its rotation and its revocation within a second", async () => {
    const { id, key } = await make({});
    expect((await ask(two, key)).status).toBe(200);
    const revokedAt = performance.now();
    await administer("DELETE", `/keys/${id}`);
    await until(async () => (await ask(two, key)).status === 401);
    expect(performance.now() - revokedAt).toBeLessThan(1_000);
  });

  test("keys with the command line of another machine", async () => {
    const run = Bun.spawnSync([
      executable,
      "keys",
      "create",
      "--json",
      "--config",
      `${one.directory}/gateway.toml`,
      "--data-dir",
      `${one.directory}/elsewhere`,
    ], { cwd: one.directory, env: { PATH: "/usr/bin:/bin" } });
    const { key } = JSON.parse(run.stdout.toString());
    await until(async () => (await ask(two, key)).status === 200);
  });

  test("a budget, of which 200 requests at once get no more than there is", async () => {
    const { key } = await make({ budget: { total_usd: 0.1 } });
    const count = await served(key, 200);
    expect(count).toBeLessThanOrEqual(10);
    expect(count).toBeGreaterThanOrEqual(8);
    // What one of them has paid, the other knows.
    expect(count + await served(key, 40)).toBeLessThanOrEqual(10);
  });

  test("limits of requests, tokens and requests at once", async () => {
    const requests = await make({ limits: { requests_per_minute: 20 } });
    expect(await served(requests.key, 100)).toBeLessThanOrEqual(20);
    const tokens = await make({ limits: { tokens_per_minute: 700 } });
    // Each takes 7 before, and 14 after.
    const count = await served(tokens.key, 120);
    expect(count).toBeLessThanOrEqual(100);
    expect(count).toBeGreaterThan(40);
  });

  test("what was spent before there was a budget, and how it stands now", async () => {
    const { id, key } = await make({});
    for (const gateway of [one, two]) for (let index = 0; index < 3; index++) await ask(gateway, key);
    // Told twice a second.
    await Bun.sleep(1_200);
    await administer("PATCH", `/keys/${id}`, { budget: { total_usd: 0.08, alerts: [0.5] } });
    await until(async () => (await standing(two, key)).length > 0);
    expect(await served(key, 20)).toBeLessThanOrEqual(2);
    await until(async () => (await standing(one, key))[0]!.used >= 0.07);
  });

  test("a limit that is changed goes on where it was", async () => {
    const { id, key } = await make({ limits: { requests_per_minute: 10 } });
    let count = await served(key, 12);
    for (const most of [11, 12, 13]) {
      await administer("PATCH", `/keys/${id}`, { limits: { requests_per_minute: most } });
      await until(async () => (await standing(two, key))[0]!.most === most);
      count += await served(key, 12);
    }
    expect(count).toBeLessThanOrEqual(13);
  });

  test("a budget over the restart of one of them", async () => {
    const { key } = await make({ budget: { total_usd: 0.05 } });
    for (let index = 0; index < 3; index++) expect((await ask(two, key)).status).toBe(200);
    two.signal("SIGKILL");
    await two.exited;
    const again = await startNode();
    const codes = [];
    for (let index = 0; index < 5; index++) codes.push((await ask(again, key)).status);
    expect(codes.filter((code) => code === 200).length).toBeLessThanOrEqual(2);
    await again.stop();
  });
});

describe("while Redis is", () => {
  const troubles: Record<string, { begin(): Promise<void> | void; end(): Promise<void> | void }> = {
    frozen: { begin: () => redis.freeze(), end: () => redis.thaw() },
    dead: { begin: () => redis.kill(), end: () => redis.restart() },
  };
  test.each(Object.keys(troubles))(
    "%s: keys work, limits hold, hard budgets are closed, nobody waits long",
    async (name) => {
      const { begin, end } = troubles[name]!;
      const plain = await make({});
      const limited = await make({ limits: { requests_per_minute: 10 } });
      const paying = await make({ budget: { total_usd: 100 } });
      await begin();
      const started = performance.now();
      expect((await ask(two, plain.key)).status).toBe(200);
      // What was granted before may be spent; then nothing is.
      await until(async () => {
        const answer = await ask(two, paying.key);
        const { error } = await answer.json() as { error?: { code: string } };
        return answer.status === 503 && error?.code === "budget_unavailable" ||
          performance.now() - started > 15_000;
      });
      expect((await ask(one, "sk-ir-000000000000-not-a-key-at-all")).status).toBe(401);
      const codes = [];
      for (let index = 0; index < 14; index++) codes.push((await ask(one, limited.key)).status);
      expect(codes.filter((code) => code === 200).length).toBeLessThanOrEqual(10);
      expect(codes.filter((code) => code === 200).length).toBeGreaterThan(0);
      const slowest = await Promise.all(Array.from({ length: 20 }, async () => {
        const before = performance.now();
        await ask(one, plain.key);
        return performance.now() - before;
      }));
      expect(Math.max(...slowest)).toBeLessThan(3_000);
      expect((await fetch(`${one.origin}/readyz`)).status).toBe(200);
      expect((await administer("POST", "/keys", {})).status).toBe(503);
      await end();
      await until(async () => (await ask(two, paying.key)).status === 200);
      await until(async () => (await administer("POST", "/keys", {})).status === 200);
    },
  );

  test("away from the start: a key that is not known is not called wrong", async () => {
    await redis.kill();
    const late = await startNode();
    expect((await ask(late, adminKey)).status).toBe(200);
    const { key } = { key: "sk-ir-Ei2WAr2MQ47Z-dsrJKWGe82KOagmWC9v21PxDdjEmRdv11HDLkEQNnFp4Uwo0i" };
    expect((await ask(late, key)).status).toBe(503);
    await redis.restart();
    await until(async () => (await ask(late, key)).status === 401);
    await late.stop();
  });
});

test("a Redis that has forgotten everything is told again: keys, revocations, and what was spent", async () => {
  const good = await make({});
  const revoked = await make({});
  await administer("DELETE", `/keys/${revoked.id}`);
  const paying = await make({ budget: { total_usd: 0.06 } });
  let count = await served(paying.key, 4);
  await redis.command("FLUSHALL");
  expect((await ask(two, good.key)).status).toBe(200);
  await until(async () => (await redis.command("HLEN", "intellirouter:{accounts}:key")).trim() === "3");
  expect((await ask(two, revoked.key)).status).toBe(401);
  await Bun.sleep(1_100);
  count += await served(paying.key, 40);
  expect(count).toBeLessThanOrEqual(6);
  const late = await startNode();
  await until(async () => (await ask(late, good.key)).status === 200);
  expect((await ask(late, revoked.key)).status).toBe(401);
  await late.stop();
});
