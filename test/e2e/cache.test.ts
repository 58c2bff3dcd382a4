/** Answers that a route keeps, with real clients: in memory, and in a real Redis that two gateways share. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import OpenAI from "openai";
import { type RedisServer, startRedis } from "../support/redis.ts";
import { chunk, event, startUpstream, type Upstream } from "../support/upstream.ts";
import { type Gateway, startGateway, until } from "./support/gateway.ts";

const adminKey = "the-key-of-the-administrator";
let upstream: Upstream;
let redis: RedisServer;

beforeAll(async () => {
  [upstream, redis] = await Promise.all([startUpstream(), startRedis()]);
});
afterAll(async () => {
  await upstream.close();
  await redis.stop();
});

function startNode(extra = ""): Promise<Gateway> {
  return startGateway({
    env: { INTELLIROUTER_ADMIN_KEY: adminKey },
    config: `
${extra}
[[providers]]
name = "cloud"
kind = "openai-compatible"
base_url = "${upstream.url}"
list_models = false
[[models]]
id = "cloud/normal"
price = { input = 1, output = 1 }
[[routes]]
name = "kept"
targets = ["cloud/normal"]
cache = { ttl_seconds = 60 }
[[routes]]
name = "briefly"
targets = ["cloud/normal"]
cache = { ttl_seconds = 1 }
[[routes]]
name = "plain"
targets = ["cloud/normal"]
[[routes]]
name = "broken"
targets = ["cloud/half"]
cache = { ttl_seconds = 60 }
`,
  });
}

async function key(gateway: Gateway, fields: Record<string, unknown> = {}): Promise<string> {
  const response = await fetch(`${gateway.origin}/admin/v1/keys`, {
    method: "POST",
    headers: { authorization: `Bearer ${adminKey}`, "content-type": "application/json" },
    body: JSON.stringify(fields),
  });
  return (await response.json() as { key: string }).key;
}

function ask(
  gateway: Gateway,
  apiKey: string,
  body: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${gateway.origin}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json", ...headers },
    body: JSON.stringify({ model: "kept", messages: [{ role: "user", content: "Hi" }], ...body }),
  });
}

const verdict = (response: Response) => response.headers.get("x-intellirouter-cache");

for (const where of ["memory", "Redis"] as const) {
  describe(`in ${where}`, () => {
    let gateway: Gateway;
    let mine: string;
    beforeAll(async () => {
      gateway = await startNode(
        where === "Redis" ? `[redis]\nhost = "127.0.0.1"\nport = ${redis.port}\n` : "",
      );
      mine = await key(gateway);
    });
    afterAll(() => gateway.stop());

    test("the very same request gets the very same answer, and costs nothing", async () => {
      const first = await ask(gateway, mine);
      const text = await first.text();
      const calls = upstream.calls.length;
      const second = await ask(gateway, mine);
      expect([verdict(first), verdict(second), await second.text()]).toEqual(["miss", "hit", text]);
      expect(upstream.calls.length).toBe(calls);
      expect(second.headers.get("x-intellirouter-target")).toBe("cloud/normal");
      const id = second.headers.get("x-intellirouter-decision");
      const decision = await (await fetch(`${gateway.origin}/admin/v1/decisions/${id}`, {
        headers: { authorization: `Bearer ${adminKey}` },
      })).json();
      expect(decision).toMatchObject({ cached: true, cost_usd: 0, outcome: "ok", attempts: [] });
    });

    test("a stream is given again as a stream", async () => {
      const client = new OpenAI({ baseURL: `${gateway.origin}/v1`, apiKey: mine });
      const read = async () => {
        const stream = await client.chat.completions.create({
          model: "kept",
          stream: true,
          messages: [{ role: "user", content: "Stream" }],
        });
        let text = "";
        for await (const part of stream) text += part.choices[0]?.delta.content ?? "";
        return text;
      };
      const first = await read();
      const calls = upstream.calls.length;
      expect([await read(), upstream.calls.length]).toEqual([first, calls]);
      const raw = () => ask(gateway, mine, { stream: true }).then((response) => response.text());
      expect(await raw()).toBe(await raw());
    });

    test("what differs in anything is another request", async () => {
      await ask(gateway, mine, { temperature: 0.5 });
      for (
        const body of [{ temperature: 0.6 }, { model: "briefly" }, { tools: [] }, { user: "x" }, {
          stream: true,
        }]
      ) {
        const differing = await ask(gateway, mine, { temperature: 0.5, ...body });
        expect(verdict(differing)).toBe("miss");
        await differing.text();
      }
      expect(verdict(await ask(gateway, mine, { model: "plain" }))).toBeNull();
    });

    test("nobody gets what another tenant asked for, and no key what it has no right to", async () => {
      await ask(gateway, mine, { seed: 1 });
      expect(verdict(await ask(gateway, await key(gateway), { seed: 1 }))).toBe("miss");
      const [one, two] = [
        await key(gateway, { tenant: "shared" }),
        await key(gateway, { tenant: "shared", models: ["other/*"] }),
      ];
      await ask(gateway, one, { seed: 2 });
      expect(verdict(await ask(gateway, one, { seed: 2 }))).toBe("hit");
      expect((await ask(gateway, two, { seed: 2 })).status).toBe(403);
    });

    test("clients may ask for a fresh answer, or for none to be kept", async () => {
      await ask(gateway, mine, { seed: 3 });
      expect(verdict(await ask(gateway, mine, { seed: 3 }, { "cache-control": "no-cache" }))).toBe("miss");
      await ask(gateway, mine, { seed: 4 }, { "cache-control": "no-store" });
      expect(verdict(await ask(gateway, mine, { seed: 4 }))).toBe("miss");
    });

    test("answers grow old, and can be forgotten", async () => {
      await ask(gateway, mine, { model: "briefly", seed: 5 });
      expect(verdict(await ask(gateway, mine, { model: "briefly", seed: 5 }))).toBe("hit");
      await until(async () => verdict(await ask(gateway, mine, { model: "briefly", seed: 5 })) === "miss");
      await ask(gateway, mine, { seed: 6 });
      await fetch(`${gateway.origin}/admin/v1/cache`, {
        method: "DELETE",
        headers: { authorization: `Bearer ${adminKey}` },
      });
      expect(verdict(await ask(gateway, mine, { seed: 6 }))).toBe("miss");
    });

    test("what is not whole is not kept", async () => {
      upstream.on("half", ({ body }, response) => {
        response.writeHead(200, { "content-type": "text/event-stream" });
        response.write(event(chunk(body.model, { role: "assistant", content: "half" })));
        setTimeout(() => response.destroy(), 20);
      });
      for (let index = 0; index < 2; index++) {
        const response = await ask(gateway, mine, { model: "broken", stream: true });
        expect([verdict(response), (await response.text()).includes('"error"')]).toEqual(["miss", true]);
      }
      const left = new AbortController();
      const stream = await fetch(`${gateway.origin}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${mine}`, "content-type": "application/json" },
        body: JSON.stringify({
          model: "kept",
          seed: 7,
          stream: true,
          messages: [{ role: "user", content: "Hi" }],
        }),
        signal: left.signal,
      });
      await stream.body!.getReader().read();
      left.abort();
    });
  });
}

test("two gateways share what is kept in Redis, and go on without it", async () => {
  const section = `[redis]\nhost = "127.0.0.1"\nport = ${redis.port}\n`;
  const [one, two] = await Promise.all([startNode(section), startNode(section)]);
  const mine = await key(one);
  await until(async () => (await ask(two, mine, { model: "plain" })).status === 200);
  await (await ask(one, mine, { seed: 10 })).text();
  await until(async () => verdict(await ask(two, mine, { seed: 10 })) === "hit");
  redis.freeze();
  const started = performance.now();
  expect((await ask(two, mine, { seed: 10 })).status).toBe(200);
  expect(performance.now() - started).toBeLessThan(2_000);
  redis.thaw();
  await until(async () => verdict(await ask(two, mine, { seed: 10 })) === "hit");
  await Promise.all([one.stop(), two.stop()]);
});
