/** Memory and conversations, as clients, administrators and operators meet them: the official clients, the executable, a kill -9. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import OpenAI from "openai";
import { checkResponse, checkResponseStream } from "../support/strict-response-checker.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import {
  chunk,
  completion,
  event,
  sendJson,
  startStream,
  startUpstream,
  type Upstream,
  type UpstreamCall,
} from "../support/upstream.ts";
import { executable, freePort, type Gateway, startGateway, until } from "./support/gateway.ts";

const adminKey = "the-key-of-the-administrator";
let upstream: Upstream;
let gateway: Gateway;
let client: OpenAI;
let stranger: OpenAI;

beforeAll(async () => {
  upstream = await startUpstream();
  playModels();
  gateway = await startGateway({
    config: configuration(upstream.url),
    env: { INTELLIROUTER_ADMIN_KEY: adminKey },
  });
  client = await connect(gateway);
  stranger = await connect(gateway);
});
afterAll(async () => {
  await gateway.stop();
  await upstream.close();
});

function configuration(url: string, more = ""): string {
  return `
[[providers]]
name = "cloud"
kind = "openai-compatible"
base_url = "${url}"
list_models = false
[[routes]]
name = "remembering"
targets = ["cloud/echo"]
memory = true
[[routes]]
name = "brief"
targets = ["cloud/echo"]
memory = { window_tokens = 150, facts = false }
[memory]
model = "cloud/writer"
learn_after_seconds = 0.2
${more}
`;
}

/** `echo` says how many messages it was sent and the last of them, `writer` keeps notes. */
function playModels(): void {
  upstream.on("echo", async ({ body }, response) => {
    const { messages } = body;
    const text = `${messages.length}: ${textOf(messages.at(-1).content)}`;
    if (text.includes("slowly")) await Bun.sleep(300);
    if (!body.stream) {
      return sendJson(
        response,
        200,
        completion("echo", {
          choices: [{ index: 0, message: { role: "assistant", content: text }, finish_reason: "stop" }],
        }),
      );
    }
    startStream(response);
    for (const word of text.split(/(?<= )/)) {
      response.write(event(chunk("echo", { content: word })));
      if (text.includes("endless")) await Bun.sleep(50);
    }
    if (text.includes("endless")) await Bun.sleep(60_000);
    response.write(event(chunk("echo", {}, "stop")));
    response.end(event("[DONE]"));
  });
  upstream.on("writer", ({ body }, response) => {
    const facts = [...body.messages[1].content.matchAll(/I like (\w+)/g)].map(([, what]) => `Likes ${what}.`);
    const content = JSON.stringify({ summary: `Summary of ${writerCalls().length} looks.`, facts });
    sendJson(
      response,
      200,
      completion("writer", {
        choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
      }),
    );
  });
}

function textOf(content: unknown): string {
  return typeof content === "string"
    ? content
    : (content as { text: string }[]).map(({ text }) => text).join("");
}

function writerCalls(): UpstreamCall[] {
  return upstream.calls.filter(({ body }) => body?.model === "writer");
}

function lastEcho(): { role: string; content: string }[] {
  return upstream.calls.findLast(({ body }) => body?.model === "echo")!.body.messages;
}

// deno-lint-ignore no-explicit-any -- a test looks into whatever comes.
async function administer(method: string, path: string, body?: unknown, on = gateway): Promise<any> {
  const response = await fetch(`${on.origin}/admin/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${adminKey}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    text,
    body: text.startsWith("{") ? JSON.parse(text.split("\n")[0]!) : text,
  };
}

let tenants = 0;

/** A client with a key, and a tenant, of its own. */
async function connect(on: Gateway, fields: object = {}): Promise<OpenAI & { tenant: string }> {
  const made = await administer("POST", "/keys", { name: `app ${++tenants}`, ...fields }, on);
  const options = { baseURL: `${on.origin}/v1`, apiKey: made.body.key, maxRetries: 0 };
  return Object.assign(new OpenAI(options), { tenant: made.body.tenant ?? made.body.id });
}

const statusOf = (promise: PromiseLike<unknown>) =>
  Promise.resolve(promise).then(() => 200, (error) => `${error.status} ${error.code}`);

describe("the Conversations API, with the official client", () => {
  test("makes, reads, changes and deletes conversations", async () => {
    const made = await client.conversations.create({
      metadata: { topic: "tea" },
      items: [{ type: "message", role: "user", content: "Hello" }],
    });
    expect(made).toMatchObject({ object: "conversation", metadata: { topic: "tea" } });
    expect(made.id).toStartWith("conv_");
    expect(await client.conversations.retrieve(made.id)).toEqual(made);
    const changed = await client.conversations.update(made.id, { metadata: { topic: "coffee" } });
    expect(changed).toEqual({ ...made, metadata: { topic: "coffee" } });
    expect(await client.conversations.delete(made.id)).toEqual({
      id: made.id,
      object: "conversation.deleted",
      deleted: true,
    });
    expect(await statusOf(client.conversations.retrieve(made.id))).toBe("404 conversation_not_found");
    expect(await statusOf(client.conversations.delete(made.id))).toBe("404 conversation_not_found");
    expect((await client.conversations.create()).metadata).toEqual({});
  });

  test("adds, lists, reads and takes out items", async () => {
    const { id } = await client.conversations.create();
    const items = ["one", "two", "three"].map((content) =>
      ({ type: "message", role: "user", content }) as const
    );
    const added = await client.conversations.items.create(id, { items });
    expect(added.data).toHaveLength(3);
    expect(added.data[0]).toMatchObject({ role: "user", status: "completed", content: [{ text: "one" }] });
    const listed: string[] = [];
    for await (const item of client.conversations.items.list(id, { limit: 2, order: "asc" })) {
      listed.push(item.id!);
    }
    expect(listed).toEqual(added.data.map((item) => item.id!));
    const newest = await client.conversations.items.list(id, { limit: 1 });
    expect([newest.data[0]!.id, newest.has_more]).toEqual([listed[2]!, true]);
    expect(await client.conversations.items.retrieve(listed[1]!, { conversation_id: id })).toEqual(
      added.data[1]!,
    );
    expect(await client.conversations.items.delete(listed[1]!, { conversation_id: id })).toMatchObject({
      id,
    });
    expect(await statusOf(client.conversations.items.retrieve(listed[1]!, { conversation_id: id }))).toBe(
      "404 item_not_found",
    );
    expect((await client.conversations.items.list(id)).data).toHaveLength(2);
    expect(await statusOf(client.conversations.items.list(id, { after: "nobody" }))).toBe(
      "400 invalid_value",
    );
  });

  test("refuses what is no conversation and no item", async () => {
    const { id } = await client.conversations.create();
    const many = Array.from({ length: 21 }, () => ({ type: "message", role: "user", content: "x" }) as const);
    expect(await statusOf(client.conversations.items.create(id, { items: many }))).toStartWith("400");
    expect(await statusOf(client.conversations.items.create(id, { items: [{ type: "message" } as never] })))
      .toStartWith("400");
    expect(await statusOf(client.conversations.update(id, { metadata: { long: "x".repeat(600) } })))
      .toStartWith("400");
  });

  test("shows another tenant nothing, not even that there is something", async () => {
    const { id } = await client.conversations.create({
      items: [{ type: "message", role: "user", content: "x" }],
    });
    const item = (await client.conversations.items.list(id)).data[0]!.id!;
    const at = { conversation_id: id };
    const tries = [
      stranger.conversations.retrieve(id),
      stranger.conversations.update(id, { metadata: {} }),
      stranger.conversations.delete(id),
      stranger.conversations.items.list(id),
      stranger.conversations.items.create(id, { items: [{ type: "message", role: "user", content: "x" }] }),
      stranger.conversations.items.retrieve(item, at),
      stranger.conversations.items.delete(item, at),
      stranger.responses.create({ model: "cloud/echo", input: "x", conversation: id }),
      stranger.responses.create({ model: "remembering", input: "x", conversation: id }),
      stranger.chat.completions.create(
        { model: "remembering", messages: [{ role: "user", content: "x" }] },
        { headers: { "x-intellirouter-conversation": id } },
      ),
    ];
    expect(new Set(await Promise.all(tries.map(statusOf)))).toEqual(new Set(["404 conversation_not_found"]));
    expect((await client.conversations.items.list(id)).data).toHaveLength(1);
  });
});

describe("responses in a conversation", () => {
  test("go on where it was, whole and streamed, and are added to it", async () => {
    const { id } = await client.conversations.create({
      items: [{ type: "message", role: "system", content: "Be kind." }],
    });
    const first = await client.responses.create({ model: "cloud/echo", input: "one", conversation: id });
    checkResponse(first);
    expect(first).toMatchObject({ output_text: "2: one", conversation: { id } });
    const stream = await client.responses.create({
      model: "cloud/echo",
      input: [{ role: "user", content: "two" }],
      conversation: { id },
      stream: true,
    });
    const events = await Array.fromAsync(stream);
    checkResponseStream(events.map((part) => JSON.stringify(part)));
    expect(events.at(-1)).toMatchObject({ response: { conversation: { id } } });
    expect(lastEcho().map(({ role }) => role)).toEqual(["system", "user", "assistant", "user"]);
    const texts = (await client.conversations.items.list(id, { order: "asc" })).data.map((item) =>
      "content" in item ? textOf(item.content) : item.type
    );
    expect(texts).toEqual(["Be kind.", "one", "2: one", "two", "4: two"]);
  });

  test("without being stored are added as well; beside an earlier response a conversation is refused", async () => {
    const { id } = await client.conversations.create();
    const options = { model: "cloud/echo", input: "x", conversation: id };
    const response = await client.responses.create({ ...options, store: false });
    expect((await client.conversations.items.list(id)).data).toHaveLength(2);
    expect(await statusOf(client.responses.create({ ...options, previous_response_id: response.id }))).toBe(
      "400 invalid_value",
    );
    expect(await statusOf(client.responses.create({ ...options, conversation: "conv_unknown" }))).toBe(
      "404 conversation_not_found",
    );
    const tokens = await client.responses.inputTokens.count({
      model: "cloud/echo",
      input: "x",
      conversation: id,
    });
    expect(tokens.input_tokens).toBeGreaterThan(10);
  });

  test("that are asked for at once stand one after the other", async () => {
    const { id } = await client.conversations.create();
    await Promise.all(
      ["slowly one", "two", "three"].map((input) =>
        client.responses.create({ model: "cloud/echo", input, conversation: id })
      ),
    );
    const items = (await client.conversations.items.list(id, { order: "asc" })).data as unknown as {
      role: string;
      content: { text: string }[];
    }[];
    expect(items.map(({ role }) => role)).toEqual([
      "user",
      "assistant",
      "user",
      "assistant",
      "user",
      "assistant",
    ]);
    for (let index = 0; index < 6; index += 2) {
      expect(items[index + 1]!.content[0]!.text).toEndWith(items[index]!.content[0]!.text);
    }
  });

  test("that the client gives up are not remembered", async () => {
    const { id } = await client.conversations.create();
    const stream = await client.responses.create({
      model: "cloud/echo",
      input: "endless",
      conversation: id,
      stream: true,
    });
    for await (const { type } of stream) if (type === "response.output_text.delta") break;
    await until(() => upstream.open() === 0);
    expect((await client.conversations.items.list(id)).data).toEqual([]);
    await client.responses.create({ model: "cloud/echo", input: "again", conversation: id });
    expect((await client.conversations.items.list(id)).data).toHaveLength(2);
  });
});

describe("chat completions of a route that remembers", () => {
  const say = (content: string, headers: Record<string, string>, more: object = {}, by = client) =>
    by.chat.completions.create({
      model: "remembering",
      messages: [{ role: "user", content }],
      ...more,
    } as OpenAI.ChatCompletionCreateParamsNonStreaming, { headers });

  test("go on with the conversation that a header names", async () => {
    const headers = { "x-intellirouter-conversation": "support-1" };
    await say("one", headers);
    const answer = await say("two", headers);
    expect(answer.choices[0]!.message.content).toBe("3: two");
    const stream = await say("three", headers, { stream: true }) as unknown as AsyncIterable<unknown>;
    await Array.fromAsync(stream);
    await say("four", headers);
    expect(lastEcho().map(({ content }) => content)).toEqual([
      "one",
      "1: one",
      "two",
      "3: two",
      "three",
      "5: three",
      "four",
    ]);
    await say("mine", headers, {}, stranger);
    expect(lastEcho()).toHaveLength(1);
  });

  test("know in another conversation what the user has told, and nobody else does", async () => {
    const user = { "x-intellirouter-user": "ann" };
    await say("I like tea", { ...user, "x-intellirouter-conversation": "ann-1" });
    await until(async () => {
      const facts = await administer("GET", `/memory/facts?tenant=${tenantOf(client)}&user=ann`);
      return facts.body.data.some(({ text }: { text: string }) => text === "Likes tea.");
    }, "a fact");
    await say("What do I like?", { ...user, "x-intellirouter-conversation": "ann-2" });
    expect(lastEcho()[0]).toMatchObject({ role: "system" });
    expect(lastEcho()[0]!.content).toContain("Likes tea.");
    for (
      const [headers, by] of [
        [{ "x-intellirouter-user": "eve", "x-intellirouter-conversation": "eve-1" }, client],
        [{ ...user, "x-intellirouter-conversation": "ann-3" }, stranger],
      ] as const
    ) {
      await say("What do I like?", headers, {}, by);
      expect(lastEcho()[0]).toMatchObject({ role: "user" });
    }
  });

  test("are condensed when they grow too long, and the notes are paid for by the caller", async () => {
    const headers = { "x-intellirouter-conversation": "long" };
    const before = writerCalls().length;
    for (const name of ["first", "second", "third"]) {
      await say(`${name} ${"word ".repeat(80)}`, headers, { model: "brief" });
    }
    const path = `/memory/conversations/long?tenant=${tenantOf(client)}`;
    await until(async () => (await administer("GET", path)).body.summary !== "", "a summary");
    expect(writerCalls().length).toBeGreaterThan(before);
    await say("last", headers, { model: "brief" });
    expect(lastEcho()[0]!.content).toContain("Summary of");
    expect(lastEcho().map(({ content }) => content).join()).not.toContain("first");
    const { body } = await administer("GET", "/decisions?model=cloud/writer&limit=1");
    expect(body.data[0]).toMatchObject({ purpose: "memory", principal: tenantOf(client), outcome: "ok" });
  });
});

function tenantOf(by: OpenAI): string {
  return (by as OpenAI & { tenant: string }).tenant;
}

describe("administration", () => {
  test("lists, exports and forgets, over HTTP and on the command line, and writes it down", async () => {
    const app = await connect(gateway);
    const headers = { "x-intellirouter-conversation": "c1", "x-intellirouter-user": "carol" };
    const message = { role: "user" as const, content: "I like cake" };
    await app.chat.completions.create({ model: "remembering", messages: [message] }, { headers });
    const query = `tenant=${app.tenant}`;
    await until(
      async () => (await administer("GET", `/memory/facts?${query}`)).body.data.length > 0,
      "a fact",
    );
    expect((await administer("GET", "/memory/tenants")).body.data).toContain(app.tenant);
    expect((await administer("GET", `/memory/conversations?${query}&user=carol`)).body.data).toMatchObject([
      { id: "c1", user: "carol", items: 2 },
    ]);
    const exported = await administer("GET", `/memory/export?${query}`);
    const lines = exported.text.trim().split("\n").map((line: string) => JSON.parse(line).object);
    expect(lines).toEqual(["memory.conversation", "memory.item", "memory.item", "memory.fact"]);

    const command = (...args: string[]) => {
      const all = [
        executable,
        "memory",
        ...args,
        "--tenant",
        app.tenant,
        "--data-dir",
        join(gateway.directory, "data"),
      ];
      const run = Bun.spawnSync([...all, "--config", join(gateway.directory, "gateway.toml")], {
        env: { PATH: "/usr/bin:/bin" },
      });
      return { code: run.exitCode, stdout: run.stdout.toString(), stderr: run.stderr.toString() };
    };
    expect(command("list", "--json").stdout).toContain('"id":"c1"');
    expect(command("list", "--facts").stdout).toContain("Likes cake.");
    expect(command("show", "c1").stdout).toContain("I like cake");
    expect(command("export").stdout).toBe(exported.text);
    expect(command("show", "unknown").code).toBe(1);
    expect(command("forget").code).toBe(2);
    expect(command("forget", "--conversation", "c1").stdout).toBe("forgot 1 conversations and 1 facts\n");
    expect((await administer("GET", `/memory/conversations/c1?${query}`)).status).toBe(404);
    expect((await administer("DELETE", `/memory/facts/unknown?${query}`)).status).toBe(404);
    expect((await administer("DELETE", "/memory")).status).toBe(400);
    expect((await administer("DELETE", `/memory?${query}`)).body).toMatchObject({
      conversations: 0,
      facts: 0,
    });
    const { body } = await administer("GET", "/audit?action=memory.forget");
    expect(body.data.map(({ actor }: { actor: string }) => actor)).toContain("command-line");
  });

  test("needs the permission, which looking after the gateway alone does not give", async () => {
    for (const roles of [["operator"], ["viewer"], ["developer"]]) {
      const made = await administer("POST", "/keys", { roles });
      const headers = { authorization: `Bearer ${made.body.key}` };
      for (
        const [method, path] of [["GET", "conversations"], ["GET", "export"], ["DELETE", "users/x"]] as const
      ) {
        const response = await fetch(`${gateway.origin}/admin/v1/memory/${path}`, { method, headers });
        expect([roles[0], path, response.status]).toEqual([roles[0], path, 403]);
      }
    }
  });
});

describe("a kill -9", () => {
  test("loses no turn that was answered, and the work that waited is done afterwards", async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "gateway.toml");
    writeFileSync(
      file,
      configuration(upstream.url, "").replace("learn_after_seconds = 0.2", "learn_after_seconds = 2"),
    );
    const args = ["--config", file, "--data-dir", join(folder.path, "data")];
    const headers = { "x-intellirouter-conversation": "c", "x-intellirouter-user": "dora" };
    const answered: string[] = [];
    let writers = 0;
    for (let round = 0; round < 4; round++) {
      writers = writerCalls().length;
      const node = await startGateway({ args, port: await freePort() });
      const app = new OpenAI({ baseURL: `${node.origin}/v1`, apiKey: "none", maxRetries: 0 });
      const killed = new Promise<void>((done) =>
        setTimeout(() => {
          node.signal("SIGKILL");
          done();
        }, 100 + round * 37)
      );
      try {
        for (let turn = 0;; turn++) {
          const content = `I like number${round}x${turn}`;
          await app.chat.completions.create({
            model: "remembering",
            messages: [{ role: "user", content }],
          }, { headers });
          answered.push(content);
        }
      } catch {
        await killed;
      }
      await node.exited;
    }
    expect(answered.length).toBeGreaterThan(8);
    expect(writerCalls().length).toBe(writers);
    const node = await startGateway({ args, port: await freePort() });
    try {
      const kept = Bun.spawnSync([executable, "memory", "show", "c", "--json", ...args], {
        env: { PATH: "/usr/bin:/bin" },
      });
      const { items } = JSON.parse(kept.stdout.toString()) as { items: { role: string; content: never }[] };
      const texts = items.map(({ content }) => textOf(content));
      expect(answered.filter((text) => !texts.includes(text))).toEqual([]);
      // Every question has its answer behind it.
      expect(items.map(({ role }) => role)).toEqual(
        items.map((_, index) => index % 2 === 0 ? "user" : "assistant"),
      );
      await until(() => writerCalls().length > writers, "work that waited");
    } finally {
      await node.stop();
    }
  }, 60_000);
});

describe("the official client for Python", () => {
  test("uses conversations unchanged", async () => {
    const made = await administer("POST", "/keys", {});
    const python = resolve(import.meta.dir, "../../.tools/python-clients/bin/python");
    const run = Bun.spawn([python, "-s", "-B", resolve(import.meta.dir, "support/conversations_client.py")], {
      env: { PATH: "/usr/bin:/bin", BASE_URL: `${gateway.origin}/v1`, API_KEY: made.body.key },
      stdout: "pipe",
      stderr: "pipe",
    });
    const [stdout, stderr] = await Promise.all([
      new Response(run.stdout).text(),
      new Response(run.stderr).text(),
    ]);
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toEqual({
      metadata: { topic: "tea" },
      whole: "1: one",
      streamed: "3: two",
      texts: ["one", "1: one", "two", "3: two"],
      deleted: true,
      gone: 404,
    });
  });
});
