/** Two gateways that share a memory: a real Redis for conversations and a real Chroma for facts, frozen, killed and emptied under them. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import OpenAI from "openai";
import { type ChromaServer, startChroma } from "../support/chroma.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import { completion, sendJson, startUpstream, type Upstream } from "../support/upstream.ts";
import { type Gateway, startGateway, until } from "./support/gateway.ts";

const adminKey = "the-key-of-the-administrator";
let upstream: Upstream;
let redis: RedisServer;
let chroma: ChromaServer;
let one: Gateway;
let two: Gateway;
let key: string;
let tenant: string;

beforeAll(async () => {
  upstream = await startUpstream();
  upstream.on("echo", ({ body }, response) => {
    const content = `${body.messages.length}: ${body.messages.at(-1).content}`;
    sendJson(response, 200, answerOf("echo", content));
  });
  upstream.on("writer", ({ body }, response) => {
    const facts = [...body.messages[1].content.matchAll(/I like (\w+)/g)].map(([, what]) => `Likes ${what}.`);
    sendJson(response, 200, answerOf("writer", JSON.stringify({ summary: "s", facts })));
  });
  let length = 3;
  // Everything that is liked is near, and tea is not cake; the length of the vectors can be made another.
  upstream.on("embedder", ({ body }, response) => {
    const data = body.input.map((text: string, index: number) => {
      const [like, what] = [/like/i.test(text), /tea/.test(text) ? 0.6 : /cake/.test(text) ? -0.6 : 0];
      const embedding = [like ? 1 : 0, like ? 0 : 1, what, 0, 0].slice(0, length);
      return { object: "embedding", index, embedding };
    });
    sendJson(response, 200, {
      object: "list",
      data,
      model: "embedder",
      usage: { prompt_tokens: 1, total_tokens: 1 },
    });
  });
  upstream.on("longer-embedder", (_call, response) => {
    length = 5;
    sendJson(response, 200, answerOf("longer-embedder", "done"));
  });
});
afterAll(() => upstream.close());

beforeEach(async () => {
  [redis, chroma] = await Promise.all([startRedis(), startChroma()]);
  [one, two] = await Promise.all([startNode(), startNode()]);
  const made = await fetch(`${one.origin}/admin/v1/keys`, {
    method: "POST",
    headers: { authorization: `Bearer ${adminKey}`, "content-type": "application/json" },
    body: "{}",
  });
  const body = await made.json() as { key: string; id: string };
  [key, tenant] = [body.key, body.id];
  await until(async () => {
    const { status } = await fetch(`${two.origin}/v1/key`, { headers: { authorization: `Bearer ${key}` } });
    return status === 200;
  });
});
afterEach(async () => {
  redis.thaw();
  chroma.thaw();
  await Promise.all([one.stop(), two.stop()]);
  await Promise.all([redis.stop(), chroma.stop()]);
});

function answerOf(model: string, content: string) {
  return completion(model, {
    choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
  });
}

function startNode(): Promise<Gateway> {
  return startGateway({
    env: { INTELLIROUTER_ADMIN_KEY: adminKey },
    config: `
[redis]
host = "127.0.0.1"
port = ${redis.port}
command_timeout_ms = 200
[chromadb]
host = "127.0.0.1"
port = ${chroma.port}
[[providers]]
name = "cloud"
kind = "openai-compatible"
base_url = "${upstream.url}"
list_models = false
[[routes]]
name = "skipping"
targets = ["cloud/echo"]
memory = true
[[routes]]
name = "failing"
targets = ["cloud/echo"]
memory = { on_failure = "fail" }
[memory]
model = "cloud/writer"
embedding_model = "cloud/embedder"
learn_after_seconds = 0.1
recall_timeout_ms = 500
`,
  });
}

const clientOf = (node: Gateway) => new OpenAI({ baseURL: `${node.origin}/v1`, apiKey: key, maxRetries: 0 });

async function say(
  node: Gateway,
  content: string,
  headers: Record<string, string> = { "x-intellirouter-conversation": "c" },
  model = "skipping",
): Promise<string> {
  const { choices } = await clientOf(node).chat.completions.create({
    model,
    messages: [{ role: "user", content }],
  }, { headers });
  return choices[0]!.message.content!;
}

const lastSystem = () => {
  const { messages } = upstream.calls.findLast(({ body }) => body?.model === "echo")!.body;
  return messages[0].role === "system" ? messages[0].content as string : undefined;
};

// deno-lint-ignore no-explicit-any -- a test looks into whatever comes.
async function listed(node: Gateway, what: string): Promise<any[]> {
  const response = await fetch(`${node.origin}/admin/v1/memory/${what}?tenant=${tenant}`, {
    headers: { authorization: `Bearer ${adminKey}` },
  });
  return response.ok ? (await response.json() as { data: unknown[] }).data : [];
}

describe("Redis", () => {
  test("keeps a conversation that goes on at another gateway", async () => {
    expect([await say(one, "one"), await say(two, "two"), await say(one, "three")]).toEqual([
      "1: one",
      "3: two",
      "5: three",
    ]);
    const made = await clientOf(one).conversations.create({ metadata: { topic: "tea" } });
    expect(await clientOf(two).conversations.retrieve(made.id)).toEqual(made);
    await clientOf(two).conversations.delete(made.id);
    const gone = await clientOf(one).conversations.retrieve(made.id).catch((error) => error.status);
    expect(gone).toBe(404);
  });

  test(
    "frozen: requests go on without memory, or are refused, as their route says; nothing is lost",
    async () => {
      await say(one, "one");
      redis.freeze();
      const startedAt = performance.now();
      expect(await say(one, "two")).toBe("1: two");
      expect(performance.now() - startedAt).toBeLessThan(5_000);
      const refused = await say(one, "three", undefined, "failing").catch((error) =>
        `${error.status} ${error.code}`
      );
      expect(refused).toBe("503 memory_unavailable");
      const named = await clientOf(one).conversations.retrieve("conv_x").catch((error) => error.status);
      expect(named).toBe(503);
      redis.thaw();
      await until(async () => (await listed(two, "conversations"))[0]?.items === 4, "the turn that waited");
      expect(await say(two, "four")).toBe("5: four");
    },
    40_000,
  );

  test(
    "killed and empty: what was in it is gone, conversations begin anew, and turns that wait come in",
    async () => {
      await say(one, "one");
      await redis.kill();
      expect(await say(one, "two")).toBe("1: two");
      await redis.restart();
      await until(async () => (await listed(two, "conversations"))[0]?.items === 2, "the turn that waited");
      expect(await say(two, "three")).toBe("3: three");
    },
    40_000,
  );
});

describe("Chroma", () => {
  const ann = { "x-intellirouter-user": "ann" };
  const learn = async () => {
    await say(one, "I like tea", { ...ann, "x-intellirouter-conversation": "c1" });
    await until(async () => (await listed(two, "facts")).length === 1, "a fact");
  };

  test("keeps facts that are recalled at another gateway, for their user alone, and forgotten at both", async () => {
    await learn();
    await say(two, "What do I like?", ann);
    expect(lastSystem()).toContain("Likes tea.");
    await say(two, "Something else", ann);
    expect(lastSystem()).toBeUndefined();
    await say(two, "What do I like?", { "x-intellirouter-user": "bob" });
    expect(lastSystem()).toBeUndefined();
    const response = await fetch(`${two.origin}/admin/v1/memory/users/ann?tenant=${tenant}`, {
      method: "DELETE",
      headers: { authorization: `Bearer ${adminKey}` },
    });
    expect(await response.json()).toMatchObject({ facts: 1 });
    await say(one, "What do I like?", ann);
    expect(lastSystem()).toBeUndefined();
  });

  test(
    "frozen or gone: requests go on without facts within the time that was said, and facts are learnt later",
    async () => {
      await learn();
      chroma.freeze();
      const startedAt = performance.now();
      expect(await say(one, "What do I like?", ann)).toBe("1: What do I like?");
      expect(performance.now() - startedAt).toBeLessThan(3_000);
      const refused = await say(one, "What do I like?", ann, "failing").catch((error) => error.code);
      expect(refused).toBe("memory_unavailable");
      await say(one, "I like cake", { ...ann, "x-intellirouter-conversation": "c2" });
      await Bun.sleep(500);
      chroma.thaw();
      await until(async () => (await listed(two, "facts")).length === 2, "a fact that had to wait");
    },
    40_000,
  );

  test("an embedding model whose vectors have another length finds nothing old, breaks nothing and learns anew", async () => {
    await learn();
    await clientOf(one).chat.completions.create({
      model: "cloud/longer-embedder",
      messages: [{ role: "user", content: "x" }],
    });
    await say(two, "What do I like?", ann);
    expect(lastSystem()).toBeUndefined();
    await say(two, "I like cake", { ...ann, "x-intellirouter-conversation": "c3" });
    await until(async () => (await listed(one, "facts")).length === 2, "a new fact");
    await say(one, "What do I like?", ann);
    expect(lastSystem()).toContain("Likes cake.");
  });
});
