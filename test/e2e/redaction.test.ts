/**
 * Secrets and prompts with marks in them are sent through on every way that a request can go, with every exporter on; then everything
 * that the gateway writes or sends is searched for the marks.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import {
  event,
  sendJson,
  startStream,
  startUpstream,
  type Upstream,
  type UpstreamCall,
} from "../support/upstream.ts";
import { type Receiver, startReceiver } from "../support/receiver.ts";
import { type Gateway, startGateway, until } from "./support/gateway.ts";

const canaries = {
  clientKey: "sk-canary-client-4f1d9a7be2c8",
  wrongKey: "sk-canary-wrong-1c3be80f77aa",
  providerKey: "sk-canary-provider-88b1c0d2e9f3",
  signingSecret: "canary-signing-secret-0a9b8c7d",
  collectorHeader: "canary-collector-token-5e6f7a8b",
  header: "canary-header-value-77ee55dd",
  query: "canary-query-value-3c2b1a09",
  prompt: "canary-prompt my patient Wilhelmina Quux has a rare disease",
  system: "canary-system obey the zebra protocol at all times",
  tool: "canary_tool_argument_9d8c7b6a",
  answer: "canary-answer the secret of the golden llama is out",
};

let upstream: Upstream;
let receiver: Receiver;
beforeAll(async () => {
  upstream = await startUpstream();
  receiver = await startReceiver();
  const repeats = (call: UpstreamCall) =>
    `Cannot do ${JSON.stringify(call.body)} for ${call.headers.authorization} ${canaries.prompt}`;
  const complain =
    (status: number) => (call: UpstreamCall, response: Parameters<Parameters<Upstream["on"]>[1]>[1]) =>
      sendJson(response, status, { error: { message: repeats(call), type: "x", param: null, code: null } });
  for (const status of [400, 401, 403, 404, 413, 422, 429, 500, 503]) {
    upstream.on(`s${status}`, complain(status));
  }
  upstream.on("answers", (_call, response) =>
    sendJson(response, 200, {
      id: "c",
      object: "chat.completion",
      created: 1,
      model: "answers",
      choices: [{
        index: 0,
        message: { role: "assistant", content: canaries.answer },
        finish_reason: "stop",
      }],
    }));
  upstream.on("html", (call, response) => {
    response.writeHead(200, { "content-type": "text/html" });
    response.end(`<html>${repeats(call)} ${canaries.answer}</html>`);
  });
  upstream.on("garbage", (call, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(`${canaries.answer} { ${repeats(call)}`);
  });
  upstream.on("error-event", (call, response) => {
    startStream(response);
    response.write(
      event({
        id: "c",
        object: "chat.completion.chunk",
        created: 1,
        model: "m",
        choices: [{ index: 0, delta: { content: canaries.answer }, finish_reason: null }],
      }),
    );
    response.end(event({ error: { message: repeats(call), type: "server_error", code: null, param: null } }));
  });
  upstream.on("bad-event", (call, response) => {
    startStream(response);
    response.end(`data: {"choices": ${canaries.answer} ${repeats(call)}\n\n`);
  });
  upstream.on("cut", (_call, response) => {
    startStream(response);
    response.write(
      event({
        id: "c",
        object: "chat.completion.chunk",
        created: 1,
        model: "m",
        choices: [{ index: 0, delta: { content: canaries.answer }, finish_reason: null }],
      }),
    );
    setTimeout(() => response.destroy(), 20);
  });
});
afterAll(async () => {
  await upstream.close();
  await receiver.close();
});

function configuration(): string {
  return `
[auth]
mode = "required"
[routing]
retries = 1
backoff_base_ms = 1
${
    // A refused credential keeps all targets of its provider out, so those that refuse it are a provider of their own each.
    ["up", "s401", "s403"].map((name) => `
[[providers]]
name = "${name}"
kind = "openai-compatible"
base_url = "${upstream.url}"
api_key_env = "UPSTREAM_KEY"
list_models = false`).join("")}
[[routes]]
name = "fallback"
targets = ["up/s500", "up/answers"]
[telemetry.tracing]
mode = "on"
[[telemetry.exporters]]
kind = "otlp"
endpoint = "${receiver.url}"
interval_ms = 10
metrics_interval_ms = 100
protocol = "http/json"
secrets = { headers = { env = "COLLECTOR_HEADERS" } }
[[telemetry.exporters]]
kind = "webhook"
url = "${receiver.url}/hook"
interval_ms = 10
secrets = { signing_secret = { env = "SIGNING_SECRET" } }
[[telemetry.exporters]]
kind = "jsonl"
path = "data/events.jsonl"
interval_ms = 10
[[telemetry.exporters]]
kind = "console"
interval_ms = 10
`;
}

const messages = [
  { role: "system", content: canaries.system },
  { role: "user", content: [{ type: "text", text: canaries.prompt }] },
  {
    role: "assistant",
    content: null,
    tool_calls: [{
      id: "call_1",
      type: "function",
      function: { name: "look", arguments: JSON.stringify({ q: canaries.tool }) },
    }],
  },
  { role: "tool", tool_call_id: "call_1", content: canaries.tool },
];

const headers = (key = canaries.clientKey) => ({
  "content-type": "application/json",
  authorization: `Bearer ${key}`,
  "x-canary": canaries.header,
  cookie: `session=${canaries.header}`,
  baggage: `user=${canaries.header}`,
});

/** Every way that a request can go. */
async function sendEverything(gateway: Gateway): Promise<number> {
  const statuses: number[] = [];
  const post = async (path: string, body: unknown, init: { key?: string; signal?: AbortSignal } = {}) => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    try {
      const response = await fetch(`${gateway.origin}${path}?token=${canaries.query}`, {
        method: "POST",
        headers: headers(init.key),
        body: text,
        ...(init.signal === undefined ? {} : { signal: init.signal }),
      });
      await response.text();
      statuses.push(response.status);
    } catch {
      statuses.push(0);
    }
  };
  const chat = (model: string, more: object = {}) =>
    post("/v1/chat/completions", { model, messages, ...more });
  const models = [
    "answers",
    "m",
    ...[400, 401, 403, 404, 413, 422, 429, 500, 503].map((status) => `s${status}`),
    "html",
    "garbage",
    "error-event",
    "bad-event",
    "cut",
  ]
    .map((name) => /^s40[13]$/.test(name) ? `${name}/${name}` : `up/${name}`);
  for (const model of [...models, "fallback", `nothing-like-this`]) {
    await chat(model);
    await chat(model, { stream: true });
  }
  const turns = [{ role: "user", content: canaries.prompt }];
  for (const model of ["up/answers", "up/s400", "up/s500", "up/garbage"]) {
    for (const stream of [false, true]) {
      await post("/v1/messages", {
        model,
        max_tokens: 100,
        system: canaries.system,
        messages: turns,
        stream,
      });
      await post("/v1/responses", {
        model,
        input: canaries.prompt,
        instructions: canaries.system,
        store: false,
        stream,
      });
      await post("/v1/completions", { model, prompt: canaries.prompt, stream });
    }
    await post("/v1/messages/count_tokens", { model, messages: turns });
    await post("/v1/embeddings", { model, input: canaries.prompt });
    await post("/v1/moderations", { model, input: canaries.prompt });
  }
  // Requests that are wrong in themselves.
  await post("/v1/chat/completions", `{"model": "up/m", "messages": "${canaries.prompt}`);
  await post("/v1/chat/completions", { model: "up/m", messages: canaries.prompt });
  await post("/v1/chat/completions", { model: "up/m", messages, temperature: canaries.prompt });
  await post("/v1/chat/completions", { messages });
  await post(`/v1/no-such-path`, { messages });
  await post("/v1/chat/completions", { model: "up/m", messages }, { key: canaries.wrongKey });
  const leaving = new AbortController();
  setTimeout(() => leaving.abort(), 20);
  await post("/v1/chat/completions", { model: "up/slow", messages }, { signal: leaving.signal });
  return statuses.length;
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesBelow(path) : [path];
  });
}

test("no secret and no prompt is in anything that the gateway writes or sends", async () => {
  const gateway = await startGateway({
    config: configuration(),
    env: {
      UPSTREAM_KEY: canaries.providerKey,
      SIGNING_SECRET: canaries.signingSecret,
      COLLECTOR_HEADERS: `x-token=${canaries.collectorHeader}`,
      INTELLIROUTER_API_KEYS: canaries.clientKey,
      INTELLIROUTER_ADMIN_KEY: "an-admin-key-0123456789",
    },
  });
  upstream.on("slow", () => {});
  const sent = await sendEverything(gateway);
  expect(sent).toBeGreaterThan(50);
  // A target that is kept out would prove nothing.
  const called = new Set(upstream.calls.map(({ body }) => `${body?.model} ${body?.stream === true}`));
  for (const status of [400, 401, 403, 404, 413, 422, 429, 500, 503]) {
    expect(called).toContain(`s${status} false`);
  }
  for (
    const model of ["answers", "m", "garbage", "html", "error-event", "bad-event", "cut", "s400", "s422"]
  ) {
    expect(called).toContain(`${model} true`);
  }
  const admin = { headers: { authorization: "Bearer an-admin-key-0123456789" } };
  const read = async (path: string) => await (await fetch(`${gateway.origin}${path}`, admin)).text();
  await until(() => receiver.requests.filter(({ path }) => path === "/v1/metrics").length > 1, "the metrics");
  const sinks = new Map<string, string>();
  for (const path of ["/metrics", "/admin/v1/decisions?limit=1000", "/admin/v1/audit", "/admin/v1/usage"]) {
    sinks.set(path, await read(path));
  }
  gateway.signal("SIGTERM");
  await gateway.exited;
  sinks.set("stdout", gateway.stdout());
  sinks.set("stderr", gateway.stderr());
  receiver.requests.forEach(({ path, body }, index) =>
    sinks.set(`${path} ${index}`, body.toString("latin1"))
  );
  for (const path of filesBelow(gateway.directory)) {
    // The configuration names the variables and not what is in them, so that it is searched like all others.
    sinks.set(path, readFileSync(path).toString("latin1"));
  }
  // There must have been something to search.
  const all = [...sinks.keys()];
  for (
    const part of [
      "events.jsonl",
      "audit.sqlite",
      "gateway-decisions.sqlite",
      "/v1/traces",
      "/v1/metrics",
      "/hook",
    ]
  ) {
    expect(all.filter((name) => name.includes(part)).length).toBeGreaterThan(0);
  }
  expect(gateway.stderr()).toContain('"message":"telemetry"');
  expect([...sinks.values()].join("").match(/"outcome":"error"/g)!.length).toBeGreaterThan(20);

  const found = all.flatMap((sink) =>
    Object.entries(canaries)
      .filter(([name, canary]) => sinks.get(sink)!.includes(pieceOf(name, canary)))
      .map(([name, canary]) => {
        const text = sinks.get(sink)!;
        const at = text.indexOf(pieceOf(name, canary));
        return `${name} in ${sink}: ${text.slice(Math.max(0, at - 200), at + 80)}`;
      })
  );
  await gateway.stop();
  expect(found).toEqual([]);
});

/** Half of a prompt would be as bad as all of it. */
function pieceOf(name: string, canary: string): string {
  return name === "prompt"
    ? "Wilhelmina Quux"
    : name === "system"
    ? "zebra protocol"
    : name === "answer"
    ? "golden llama"
    : canary;
}
