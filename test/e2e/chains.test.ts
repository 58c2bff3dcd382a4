/** Chains, as clients and operators meet them: official clients, the executable, keys and budgets, a kill -9. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import {
  chunk,
  completion,
  event,
  sendJson,
  startStream,
  startUpstream,
  type Upstream,
} from "../support/upstream.ts";
import { executable, type Gateway, startGateway, until } from "./support/gateway.ts";

const root = resolve(import.meta.dir, "../..");
const adminKey = "the-key-of-the-administrator";
let upstream: Upstream;
let tools: Server;
let gateway: Gateway;
let client: OpenAI;
let toolOrigin: string;

beforeAll(async () => {
  upstream = await startUpstream();
  tools = createServer((request, response) => {
    if (request.url!.startsWith("/hangs")) return;
    if (request.url!.startsWith("/moved")) {
      return response.writeHead(302, { location: "http://127.0.0.1:1/" }).end();
    }
    sendJson(response, 200, { city: "Bern", degrees: 21 });
  }).listen(0, "127.0.0.1");
  await new Promise((done) => tools.once("listening", done));
  toolOrigin = `http://127.0.0.1:${(tools.address() as AddressInfo).port}`;
  playModels();
  gateway = await startGateway({
    config: configuration(),
    files: { "research.ts": readFileSync(join(root, "examples/chains/research.ts"), "utf8") },
    env: { INTELLIROUTER_ADMIN_KEY: adminKey },
  });
  client = await connect();
});
afterAll(async () => {
  await gateway.stop();
  await upstream.close();
  tools.closeAllConnections();
  tools.close();
});

function configuration(): string {
  return `
[[providers]]
name = "cloud"
kind = "openai-compatible"
base_url = "${upstream.url}"
list_models = false
[[models]]
id = "cloud/small"
price = { input = 0, output = 0, per_request = 0.01 }
[[models]]
id = "cloud/large"
price = { input = 0, output = 0, per_request = 0.01 }
[plugins]
load = [{ path = "research.ts" }]

[chains.refine]
description = "Drafts, then writes."
steps = [
  { id = "draft", model = "cloud/small", prompt = "draft {{input}}" },
  { id = "final", model = "cloud/large", system = "{{system}}", prompt = "final {{draft}}" },
]
[chains.weather]
allow = ["${toolOrigin}/now", "${toolOrigin}/hangs", "${toolOrigin}/moved"]
steps = [
  { id = "now", tool = { url = "${toolOrigin}/{{input}}" }, timeout_ms = 300 },
  { id = "say", transform = "now.body.city + ': ' + string(int(now.body.degrees))" },
]
[chains.typed]
input = { type = "object", properties = { n = { type = "integer" } }, required = ["n"] }
steps = [{ id = "twice", transform = "int(input.n) * 2" }]
[chains.waits]
steps = [
  { id = "first", model = "cloud/small", prompt = "{{input}}" },
  { id = "gate", model = "cloud/gate", prompt = "{{first}}" },
]
[chains.capped]
max_cost_usd = 0.015
steps = [
  { id = "one", model = "cloud/small", prompt = "1" },
  { id = "two", model = "cloud/small", prompt = "2" },
  { id = "three", model = "cloud/small", prompt = "3" },
]
[chains.broken]
steps = [
  { id = "one", model = "cloud/small", prompt = "1" },
  { id = "two", model = "cloud/refuses", prompt = "2" },
]
[chains.research]
kind = "research"
options = { model = "cloud/researcher" }
`;
}

/** Models echo their name and the last message, in words when they stream. */
function playModels(): void {
  for (const model of ["small", "large"]) {
    upstream.on(model, async ({ body }, response) => {
      const content = `${model}(${body.messages.at(-1).content})`;
      if (!body.stream) return sendJson(response, 200, saying(model, content));
      startStream(response);
      for (const word of content.split(/(?<= )/)) {
        response.write(event(chunk(model, { content: word })));
        await Bun.sleep(5);
      }
      response.write(event(chunk(model, {}, "stop")));
      response.end(event("[DONE]"));
    });
  }
  upstream.on("gate", async ({ body }, response) => {
    await gate.opened;
    sendJson(response, 200, saying("gate", `gate(${body.messages.at(-1).content})`));
  });
  upstream.on(
    "refuses",
    (_, response) =>
      sendJson(response, 400, { error: { message: "I will not", type: "invalid_request_error" } }),
  );
  upstream.on("researcher", ({ body }, response) => {
    const asked = body.messages.at(-1).content as string;
    const content = body.response_format
      ? JSON.stringify({ questions: ["who", "when"] })
      : asked.includes("What is known")
      ? `written from ${asked.split("\n").length} lines`
      : `answer to ${asked}`;
    if (!body.stream) return sendJson(response, 200, saying("researcher", content));
    startStream(response);
    response.write(event(chunk("researcher", { content })));
    response.write(event(chunk("researcher", {}, "stop")));
    response.end(event("[DONE]"));
  });
}

function saying(model: string, content: string) {
  return completion(model, {
    choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
  });
}

const gate = (() => {
  let open = () => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open: () => open() };
})();

// deno-lint-ignore no-explicit-any -- a test looks into whatever comes.
async function ask(path: string, key = adminKey, on = gateway): Promise<any> {
  const response = await fetch(`${on.origin}${path}`, { headers: { authorization: `Bearer ${key}` } });
  return await response.json();
}

async function connect(fields: object = {}, on = gateway): Promise<OpenAI> {
  const made = await fetch(`${on.origin}/admin/v1/keys`, {
    method: "POST",
    headers: { authorization: `Bearer ${adminKey}`, "content-type": "application/json" },
    body: JSON.stringify({ name: "app", ...fields }),
  });
  const { key } = await made.json() as { key: string };
  return new OpenAI({ baseURL: `${on.origin}/v1`, apiKey: key, maxRetries: 0 });
}

const user = (content: string) => [{ role: "user" as const, content }];
const statusOf = (promise: PromiseLike<unknown>) =>
  Promise.resolve(promise).then(() => "200", (error) => `${error.status} ${error.code}`);
const runOf = ({ id }: { id: string }) => id.replace("chatcmpl-", "");

describe("clients", () => {
  test("find chains among the models and ask them like any other", async () => {
    const ids = (await client.models.list()).data.map(({ id }) => id);
    expect(ids).toContain("chain/refine");
    const answer = await client.chat.completions.create({
      model: "chain/refine",
      messages: [{ role: "system", content: "be kind" }, ...user("a poem")],
    });
    expect(answer.choices[0]!.message.content).toBe("large(final small(draft a poem))");
    expect(answer.model).toBe("chain/refine");
    expect(upstream.calls.at(-1)!.body.messages[0]).toEqual({ role: "system", content: "be kind" });
  });

  test("are streamed the last step, piece by piece", async () => {
    const stream = await client.chat.completions.create({
      model: "chain/refine",
      messages: user("one two"),
      stream: true,
      stream_options: { include_usage: true },
    });
    const pieces: string[] = [];
    let usage = 0;
    for await (const piece of stream) {
      const text = piece.choices[0]?.delta.content;
      if (text) pieces.push(text);
      usage += piece.usage?.total_tokens ?? 0;
    }
    expect(pieces.join("")).toBe("large(final small(draft one two))");
    expect(pieces.length).toBeGreaterThan(1);
    expect(usage).toBeGreaterThan(0);
  });

  test("that ask for it are told of the steps while these go on", async () => {
    const { data: stream } = await client.chat.completions.create(
      { model: "chain/waits", messages: user("now"), stream: true },
      { headers: { "x-intellirouter-progress": "steps" } },
    ).withResponse();
    const told: string[] = [];
    let text = "";
    for await (const piece of stream) {
      const { intellirouter: progress } = piece as unknown as {
        intellirouter?: { type: string; step: string };
      };
      if (progress !== undefined) told.push(`${progress.type} ${progress.step}`);
      // The answer can only come when somebody has read that its step began.
      if (told.at(-1) === "step_started gate") gate.open();
      text += piece.choices[0]?.delta.content ?? "";
    }
    expect(told).toEqual([
      "step_started first",
      "step_finished first",
      "step_started gate",
      "step_finished gate",
    ]);
    expect(text).toBe("gate(small(now))");
  });

  test("of the other two protocols get the same answer", async () => {
    const response = await client.responses.create({ model: "chain/refine", input: "a poem" });
    expect(response.output_text).toBe("large(final small(draft a poem))");
    const anthropic = new Anthropic({ baseURL: gateway.origin, apiKey: client.apiKey!, maxRetries: 0 });
    const message = await anthropic.messages.create({
      model: "chain/refine",
      max_tokens: 100,
      messages: user("a poem"),
    });
    expect(message.content).toEqual([
      expect.objectContaining({ type: "text", text: "large(final small(draft a poem))" }),
    ]);
    const streamed = anthropic.messages.stream({
      model: "chain/refine",
      max_tokens: 100,
      messages: user("a poem"),
    });
    expect(await streamed.finalText()).toBe("large(final small(draft a poem))");
  });

  test("may ask for a chain that is code, from a file of the operator", async () => {
    const answer = await client.chat.completions.create({ model: "chain/research", messages: user("why?") });
    expect(answer.choices[0]!.message.content).toBe("written from 5 lines");
    const run = await ask(`/v1/chain_runs/${runOf(answer)}`, client.apiKey!);
    expect(run.steps.map(({ path }: { path: string }) => path).sort()).toEqual([
      "answer_0",
      "answer_1",
      "plan",
      "write",
    ]);
  });

  test("are told what is lost of a request, and that there is one answer only", async () => {
    const { response } = await client.chat.completions.create(
      { model: "chain/refine", messages: user("x"), temperature: 0 },
      { headers: { "x-intellirouter-fidelity": "report" } },
    ).withResponse();
    expect(response.headers.get("x-intellirouter-losses")).toContain("temperature");
    expect(
      await statusOf(client.chat.completions.create({ model: "chain/refine", messages: user("x"), n: 2 })),
    ).toMatch(/^400/);
  });
});

describe("failures", () => {
  test("a chain that is not there", async () => {
    expect(await statusOf(client.chat.completions.create({ model: "chain/refin", messages: user("x") })))
      .toBe("404 model_not_found");
  });

  test("a tool that never answers, one that leads elsewhere, and one that is not allowed", async () => {
    const said = (path: string) =>
      client.chat.completions.create({ model: "chain/weather", messages: user(path) });
    expect((await said("now")).choices[0]!.message.content).toBe("Bern: 21");
    expect(await statusOf(said("hangs"))).toBe("504 chain_timeout");
    expect(await said("moved").catch(({ message }) => message)).toContain("the tool answered 302");
    for (const path of ["nowhere", "now/../elsewhere", "now%2f..%2felsewhere"]) {
      expect(await said(path).catch(({ message }) => message)).toContain("the chain's `allow` has no");
    }
  });

  test("an input that does not fit its schema", async () => {
    const said = (text: string) =>
      client.chat.completions.create({ model: "chain/typed", messages: user(text) });
    expect((await said('{"n": 21}')).choices[0]!.message.content).toBe("42");
    expect(await statusOf(said('{"n": "many"}'))).toBe("400 chain_invalid_input");
    expect(await statusOf(said("twenty-one"))).toBe("400 chain_invalid_input");
  });

  test("a model that refuses is the answer of the chain, and kept in its record", async () => {
    expect(await statusOf(client.chat.completions.create({ model: "chain/broken", messages: user("x") })))
      .toMatch(/^400/);
    const { data } = await ask("/v1/chain_runs?chain=broken", client.apiKey!);
    expect(data[0]).toMatchObject({ status: "failed", chain: "broken" });
  });

  test("a ceiling ends a run before the step that would go beyond it", async () => {
    expect(await statusOf(client.chat.completions.create({ model: "chain/capped", messages: user("x") })))
      .toBe("429 chain_limit");
    const { data } = await ask("/v1/chain_runs?chain=capped", client.apiKey!);
    expect(data[0].cost_usd).toBeCloseTo(0.02);
  });
});

describe("rights and books", () => {
  test("every step's model must be allowed to the key, and so must the chain", async () => {
    const some = await connect({ models: ["chain/refine", "cloud/small"] });
    expect(await statusOf(some.chat.completions.create({ model: "chain/refine", messages: user("x") })))
      .toMatch(/^403/);
    const all = await connect({ models: ["chain/refine", "cloud/*"] });
    expect(await statusOf(all.chat.completions.create({ model: "chain/refine", messages: user("x") }))).toBe(
      "200",
    );
    expect(await statusOf(all.chat.completions.create({ model: "chain/typed", messages: user('{"n":1}') })))
      .toMatch(/^40[34]/);
  });

  test("a budget pays every step once, and stops a chain within", async () => {
    const poor = await connect({ budget: { total_usd: 0.03 } });
    const said = () => poor.chat.completions.create({ model: "chain/refine", messages: user("x") });
    expect(await statusOf(said())).toBe("200");
    expect(await statusOf(said())).toBe("429 insufficient_quota");
    const { data } = await ask("/v1/chain_runs", poor.apiKey!);
    expect(data.map(({ status }: { status: string }) => status)).toEqual(["failed", "completed"]);
    const rest = await poor.chat.completions.create({ model: "chain/typed", messages: user('{"n":1}') });
    expect(rest.choices[0]!.message.content).toBe("2");
  });

  test("decisions of steps name the request that they belong to", async () => {
    const { response } = await client.chat.completions.create({
      model: "chain/refine",
      messages: user("whose"),
    }).withResponse();
    const id = response.headers.get("x-intellirouter-decision")!;
    const { data } = await ask("/admin/v1/decisions?limit=50");
    const steps = data.filter(({ parent }: { parent?: string }) => parent === id);
    expect(steps.map(({ purpose }: { purpose: string }) => purpose)).toEqual(["chain step", "chain step"]);
  });

  test("runs are seen by their tenant alone", async () => {
    const answer = await client.chat.completions.create({ model: "chain/refine", messages: user("mine") });
    const path = `/v1/chain_runs/${runOf(answer)}`;
    const run = await ask(path, client.apiKey!);
    expect(run).toMatchObject({
      status: "completed",
      chain: "refine",
      output: "large(final small(draft mine))",
    });
    expect(run.steps).toHaveLength(2);
    expect(run.cost_usd).toBeCloseTo(0.02);
    const stranger = await connect();
    expect((await ask(path, stranger.apiKey!)).error.code).toBe("run_not_found");
    expect((await ask("/v1/chain_runs", stranger.apiKey!)).data).toEqual([]);
    const taken = stranger.chat.completions.create(
      { model: "chain/refine", messages: user("x") },
      { headers: { "x-intellirouter-chain-run": runOf(answer) } },
    );
    expect(await statusOf(taken)).toBe("404 run_not_found");
  });
});

test("a run that a kill -9 has cut is taken up from its last finished step", async () => {
  let stuck = true;
  upstream.on("sticky", ({ body }, response) => {
    if (!stuck) sendJson(response, 200, saying("sticky", `done(${body.messages.at(-1).content})`));
  });
  const config = `${
    configuration().replace(/\[plugins\][^[]*\[\{[^\]]*\]/, "").replace(/\[chains.research\][\s\S]*/, "")
  }
[chains.long]
steps = [
  { id = "one", model = "cloud/small", prompt = "{{input}}" },
  { id = "two", model = "cloud/sticky", prompt = "{{one}}" },
]
`;
  const first = await startGateway({ config });
  const before = new OpenAI({ baseURL: `${first.origin}/v1`, apiKey: "any", maxRetries: 0 });
  const lost = statusOf(before.chat.completions.create({ model: "chain/long", messages: user("go") }));
  await until(() => upstream.calls.some(({ body }) => body?.model === "sticky"), "the second step");
  first.signal("SIGKILL");
  await Promise.all([first.exited, lost]);
  stuck = false;
  const asked = upstream.calls.filter(({ body }) => body?.model === "small").length;
  const child = Bun.spawn(
    [executable, "run", "--config", "gateway.toml", "--data-dir", "data", "--port", String(first.port)],
    { cwd: first.directory, env: { PATH: "/usr/bin:/bin" }, stdout: "ignore", stderr: "ignore" },
  );
  try {
    await until(() => fetch(`${first.origin}/readyz`).then(({ ok }) => ok, () => false), "the gateway");
    const { data } = await ask("/v1/chain_runs?chain=long", "any", first);
    expect(data[0]).toMatchObject({ status: "running" });
    const cli = await command(["run", "long", "--resume", data[0].id, "--url", first.origin, "--json"]);
    expect(JSON.parse(cli.stdout)).toEqual({ run: data[0].id, output: "done(small(go))" });
    expect(upstream.calls.filter(({ body }) => body?.model === "small")).toHaveLength(asked);
    const again = before.chat.completions.create(
      { model: "chain/long", messages: user("x") },
      { headers: { "x-intellirouter-chain-run": data[0].id } },
    );
    expect(await statusOf(again)).toBe("409 run_not_resumable");
  } finally {
    child.kill();
    await child.exited;
    await first.stop();
  }
});

async function command(
  args: string[],
  { input = "", cwd = root, key = "" }: { input?: string | undefined; cwd?: string; key?: string } = {},
) {
  const child = Bun.spawn([executable, "chains", ...args], {
    cwd,
    env: { PATH: "/usr/bin:/bin", ...(key === "" ? {} : { INTELLIROUTER_API_KEY: key }) },
    stdin: Buffer.from(input),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { stdout, stderr, code };
}

describe("operators", () => {
  const cli = (args: string[], input?: string) =>
    command(args, { input, cwd: gateway.directory, key: client.apiKey! });

  test("list, show, check and run chains", async () => {
    expect((await cli(["list", "--config", "gateway.toml"])).stdout).toContain(
      "chain/refine  Drafts, then writes.",
    );
    expect((await cli(["show", "refine", "--config", "gateway.toml"])).stdout).toBe(
      "chain/refine: Drafts, then writes.\n  draft: cloud/small\n  final: cloud/large\n",
    );
    expect((await cli(["show", "research", "--config", "gateway.toml"])).stdout).toContain(
      'the plugin "research"',
    );
    expect((await cli(["validate", "--config", "gateway.toml"])).stdout).toMatch(/^\d+ chains: ok\n$/);
    const url = ["--url", gateway.origin];
    expect((await cli(["run", "refine", "a poem", ...url])).stdout).toBe(
      "large(final small(draft a poem))\n",
    );
    expect((await cli(["run", "typed", ...url], '{"n": 4}')).stdout).toBe("8\n");
    const failed = await cli(["run", "broken", "x", ...url]);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain("I will not");
  });

  test("are told where a chain is wrong", async () => {
    const wrong = async (text: string) => {
      await Bun.write(join(gateway.directory, "wrong.toml"), text);
      const { code, stderr } = await cli(["validate", "--config", "wrong.toml"]);
      expect(code).toBe(2);
      return stderr;
    };
    const cyclic =
      '[chains.a]\nsteps = [{ id = "x", chain = "b" }]\n[chains.b]\nsteps = [{ id = "y", chain = "a" }]\n';
    expect(await wrong(cyclic)).toMatch(/wrong\.toml:\d+:\d+: .*a → b → a/);
    expect(await wrong('[chains.a]\nsteps = [{ id = "x", model = "m", prompt = "{{inptu}}" }]\n')).toMatch(
      /wrong\.toml:2:\d+: .*"inptu"/,
    );
    expect(await wrong('[chains.a]\nsteps = [{ id = "x", transform = "1 +" }]\n')).toMatch(
      /wrong\.toml:2:\d+: /,
    );
    expect(await wrong("[chains.a]\n")).toContain("either steps or a kind");
    expect(await wrong('[chains.a]\nkind = "nothing"\n')).toMatch(/wrong\.toml:2:\d+: .*"nothing"/);
  });

  test("have examples in the executable, each of which is a sound configuration", async () => {
    const names = (await cli(["example"])).stdout.trim().split("\n");
    expect(names).toEqual(
      readdirSync(join(root, "examples/chains")).filter((file) => file.endsWith(".toml")).map((file) =>
        file.replace(".toml", "")
      )
        .sort(),
    );
    for (const name of names) {
      const { stdout } = await cli(["example", name]);
      expect(stdout).toBe(readFileSync(join(root, `examples/chains/${name}.toml`), "utf8"));
      expect((await cli(["validate", "--config", join(root, `examples/chains/${name}.toml`)])).code).toBe(0);
    }
    expect((await cli(["example", "draft-critique-revize"])).stderr).toContain("draft-critique-revise");
  });
});
