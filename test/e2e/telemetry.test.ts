/** What the executable tells of itself: metrics, traces, events, the audit log, and where they can be read. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { sendJson, startUpstream, type Upstream } from "../support/upstream.ts";
import { metricsIn, spansIn } from "../support/otlp.ts";
import { startRedis } from "../support/redis.ts";
import { type Receiver, startReceiver } from "../support/receiver.ts";
import { executable, freePort, type Gateway, startGateway, until } from "./support/gateway.ts";

let upstream: Upstream;
let receiver: Receiver;
beforeAll(async () => {
  upstream = await startUpstream();
  upstream.on(
    "busy",
    (_call, response) =>
      sendJson(response, 503, { error: { message: "busy", type: "x", param: null, code: null } }),
  );
  receiver = await startReceiver();
});
afterAll(async () => {
  await upstream.close();
  await receiver.close();
});
beforeEach(() => void (receiver.requests as unknown[]).splice(0));

const providers = () =>
  ["one", "two"].map((name) =>
    `[[providers]]\nname = "${name}"\nkind = "openai-compatible"\nbase_url = "${upstream.url}"\nlist_models = false\n`
  ).join("") +
  `[routing]\nretries = 1\nbackoff_base_ms = 1\n[[routes]]\nname = "smart"\ntargets = ["one/busy", "two/m"]\n`;

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

async function ask(
  gateway: Gateway,
  model: string,
  { stream = false, headers = {} }: { stream?: boolean; headers?: Record<string, string> } = {},
): Promise<Response> {
  const response = await fetch(`${gateway.origin}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({
      model,
      messages: [{ role: "user", content: "Hello" }],
      ...(stream ? { stream } : {}),
    }),
  });
  await response.clone().text();
  return response;
}

const metricsOf = async (origin: string) => await (await fetch(`${origin}/metrics`)).text();

async function run(...args: string[]): Promise<{ readonly code: number; readonly text: string }> {
  const child = Bun.spawn([executable, ...args], {
    stdout: "pipe",
    stderr: "pipe",
    env: { PATH: "/usr/bin:/bin" },
  });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code: await child.exited, text: out + err };
}

describe("metrics", () => {
  test("count what was asked, by names of the configuration, and promtool finds nothing wrong", async () => {
    await withGateway({ config: providers() }, async (gateway) => {
      expect((await ask(gateway, "smart")).status).toBe(200);
      expect((await ask(gateway, "smart", { stream: true })).status).toBe(200);
      expect((await ask(gateway, "nothing-of-that-name")).status).toBe(404);
      await fetch(`${gateway.origin}/no-such-path`);
      const text = await metricsOf(gateway.origin);
      const labels = 'operation="chat",route="smart",target="two/m"';
      for (
        const line of [
          `intellirouter_requests_total{${labels},provider="two",outcome="ok",status="2xx"} 2`,
          'intellirouter_requests_total{operation="chat",route="",target="",provider="",outcome="error",status="4xx"} 1',
          `intellirouter_request_duration_seconds_count{${labels}} 2`,
          `intellirouter_time_to_first_token_seconds_count{${labels}} 1`,
          'intellirouter_attempts_total{target="one/busy",provider="one",outcome="error",error="overloaded"} ',
          'intellirouter_fallbacks_total{target="two/m"} 2',
          'intellirouter_refused_requests_total{status="404"} 1',
          'intellirouter_gateway_overhead_seconds_count{operation="chat"} 3',
          'intellirouter_breaker_state{target="two/m",state="closed"} 1',
          "intellirouter_requests_in_flight 0",
          "intellirouter_config_last_reload_successful 1",
          "intellirouter_ledger_durable 1",
          "intellirouter_build_info{version=",
          "process_open_fds ",
        ]
      ) expect(text).toContain(line);
      expect(text).not.toContain("nothing-of-that-name");
      const promtool = Bun.spawn(["promtool", "check", "metrics"], {
        stdin: Buffer.from(text),
        stdout: "pipe",
        stderr: "pipe",
      });
      const said = await new Response(promtool.stderr).text() + await new Response(promtool.stdout).text();
      expect([await promtool.exited, said]).toEqual([0, ""]);
    });
  });

  test("ask for a key with the right to read them, where keys are asked for", async () => {
    const env = {
      INTELLIROUTER_ADMIN_KEY: "admin-key-0123456789",
      INTELLIROUTER_API_KEYS: "plain-key-0123456789",
    };
    await withGateway({ config: `${providers()}[auth]\nmode = "required"\n`, env }, async (gateway) => {
      const status = async (key?: string) =>
        (await fetch(
          `${gateway.origin}/metrics`,
          key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } },
        ))
          .status;
      expect([await status(), await status("plain-key-0123456789"), await status("admin-key-0123456789")])
        .toEqual([401, 403, 200]);
    });
  });

  test("tell of Redis, of the cache and of limits", async () => {
    const redis = await startRedis();
    const config =
      `${providers()}[redis]\nhost = "127.0.0.1"\nport = ${redis.port}\n[[routes]]\nname = "kept"\ntargets = ["two/m"]\ncache = { ttl_seconds = 60 }\n[limits]\nrequests_per_minute = 3\n`;
    await withGateway({ config }, async (gateway) => {
      await ask(gateway, "kept");
      await until(async () => {
        const answer = await ask(gateway, "kept");
        return answer.status === 429;
      }, "the limit");
      const text = await metricsOf(gateway.origin);
      expect(text).toContain("intellirouter_redis_up 1");
      expect(text).toMatch(/intellirouter_redis_command_duration_seconds_count [1-9]/);
      expect(text).toMatch(
        /intellirouter_cache_hits_total\{operation="chat",route="kept",target="two\/m"\} [1-9]/,
      );
      expect(text).toMatch(
        /intellirouter_rejected_requests_total\{operation="chat",code="rate_limit_exceeded"\} 1/,
      );
      await redis.kill();
      await until(
        async () => (await metricsOf(gateway.origin)).includes("intellirouter_redis_up 0"),
        "the loss of Redis",
      );
    });
    await redis.stop();
  });

  test("can be switched off", async () => {
    await withGateway(
      { config: `${providers()}[telemetry.metrics]\nexporter = "none"\n` },
      async (gateway) => {
        expect((await fetch(`${gateway.origin}/metrics`)).status).toBe(404);
      },
    );
  });
});

test("metrics and administration can each have an address of their own", async () => {
  const [metrics, admin] = [await freePort(), await freePort()];
  const config =
    `[server]\nmetrics_listen = "127.0.0.1:${metrics}"\nadmin_listen = "127.0.0.1:${admin}"\n${providers()}[auth]\nmode = "required"\n`;
  const key = "admin-key-0123456789";
  await withGateway({ config, env: { INTELLIROUTER_ADMIN_KEY: key } }, async (gateway) => {
    const status = async (port: number, path: string, given?: string) =>
      (await fetch(
        `http://127.0.0.1:${port}${path}`,
        given === undefined ? {} : { headers: { authorization: `Bearer ${given}` } },
      ))
        .status;
    expect([
      await status(metrics, "/metrics"),
      await status(metrics, "/v1/models", key),
      await status(metrics, "/admin/v1/decisions", key),
      await status(metrics, "/livez"),
    ]).toEqual([200, 404, 404, 200]);
    expect([
      await status(admin, "/admin/v1/decisions"),
      await status(admin, "/admin/v1/decisions", key),
      await status(admin, "/metrics", key),
      await status(admin, "/v1/models", key),
    ]).toEqual([401, 200, 404, 404]);
    expect([
      await status(gateway.port, "/metrics", key),
      await status(gateway.port, "/admin/v1/decisions", key),
      await status(gateway.port, "/v1/models", key),
    ]).toEqual([404, 404, 200]);
    writeFileSync(join(gateway.directory, "gateway.toml"), config.replace(String(metrics), "1"));
    gateway.signal("SIGHUP");
    await until(
      () => gateway.stderr().includes("server.metrics_listen"),
      "the warning that this needs a restart",
    );
    expect(await status(metrics, "/metrics")).toBe(200);
  });
});

test("administration on a public address asks for a key, also where the rest is on loopback", async () => {
  const admin = await freePort();
  await withGateway(
    { config: `[server]\nadmin_listen = "0.0.0.0:${admin}"\n${providers()}` },
    async (gateway) => {
      expect((await fetch(`http://127.0.0.1:${admin}/admin/v1/decisions`)).status).toBe(401);
      await until(() => gateway.stdout().includes("Try"), "the welcome");
      expect(gateway.stdout()).toMatch(/sk-ir-/);
    },
  );
});

test("an address that cannot be had is named with its place", async () => {
  const taken = await freePort();
  await withGateway({ config: providers(), port: taken }, async () => {
    const failed = await startGateway({
      config: `[server]\nmetrics_listen = "127.0.0.1:${taken}"\n${providers()}`,
      expectFailure: true,
    });
    expect(await failed.exited).not.toBe(0);
    expect(failed.stderr()).toContain(`127.0.0.1:${taken} (${join(failed.directory, "gateway.toml")}:2)`);
    await failed.stop();
  });
});

describe("traces", () => {
  const trace = "0af7651916cd43dd8448eb211c80319c";
  const client = {
    traceparent: `00-${trace}-b7ad6b7169203331-01`,
    tracestate: "vendor=1",
    baggage: "secret=1",
  };

  test("go from the client over the gateway to each backend that was called, and to the collector", async () => {
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_SERVICE_NAME: "edge",
      OTEL_EXPORTER_OTLP_HEADERS: "x-tenant=a%20b",
    };
    const before = upstream.calls.length;
    await withGateway({ config: providers(), env }, async (gateway) => {
      await ask(gateway, "smart", { headers: client });
      await until(() => spansIn(receiver.requests).length > 0, "the spans");
      await until(() => gateway.stderr().includes(`"trace_id":"${trace}"`), "the trace in the access line");
    });
    const calls = upstream.calls.slice(before);
    const [server, ...clients] = spansIn(receiver.requests);
    expect(receiver.requests[0]!.headers["x-tenant"]).toBe("a b");
    expect(server).toMatchObject({
      traceId: trace,
      parentSpanId: "b7ad6b7169203331",
      kind: 2,
      resource: { "service.name": "edge" },
    });
    expect(clients.length).toBe(calls.length);
    expect(calls.length).toBeGreaterThanOrEqual(2);
    clients.forEach((span, index) => {
      expect(span).toMatchObject({ traceId: trace, parentSpanId: server!.spanId, kind: 3 });
      expect(calls[index]!.headers).toMatchObject({
        traceparent: `00-${trace}-${span.spanId}-01`,
        tracestate: "vendor=1",
      });
      expect(calls[index]!.headers).not.toHaveProperty("baggage");
    });
    expect(clients.at(-1)!.attributes).toMatchObject({
      "gen_ai.provider.name": "openai-compatible",
      "gen_ai.request.model": "m",
      "gen_ai.usage.input_tokens": 9,
    });
    const sent = metricsIn(receiver.requests).map(({ name }) => name);
    expect(sent).toContain("intellirouter_requests_total");
  });

  test("are handed on as they came where tracing is off, and begun anew where the header is wrong", async () => {
    await withGateway({ config: providers() }, async (gateway) => {
      await ask(gateway, "two/m", { headers: client });
      expect(upstream.calls.at(-1)!.headers.traceparent).toBe(client.traceparent);
      await ask(gateway, "two/m");
      expect(upstream.calls.at(-1)!.headers).not.toHaveProperty("traceparent");
    });
    const on = `${providers()}[telemetry.tracing]\nmode = "on"\n`;
    await withGateway({ config: on }, async (gateway) => {
      const answer = await ask(gateway, "two/m", {
        headers: { traceparent: `00-${"0".repeat(32)}-b7ad6b7169203331-01` },
      });
      const sent = String(upstream.calls.at(-1)!.headers.traceparent);
      expect(sent).toMatch(/^00-(?!0{32})[0-9a-f]{32}-[0-9a-f]{16}-01$/);
      const id = answer.headers.get("x-intellirouter-decision");
      const record = await (await fetch(`${gateway.origin}/admin/v1/decisions/${id}`)).json();
      const [, traceId, spanId] = sent.split("-");
      expect([record.trace.trace_id, record.attempts[0].span_id]).toEqual([traceId, spanId]);
    });
  });
});

describe("exporters", () => {
  const webhook = (more = "") =>
    `[[telemetry.exporters]]\nkind = "webhook"\nurl = "${receiver.url}/hook"\ninterval_ms = 10\n${more}`;
  const events = () =>
    receiver.requests.filter(({ path }) => path === "/hook").flatMap(({ body }) =>
      JSON.parse(body.toString()).events
    );

  test("are given what was asked for, also what happened just before the end", async () => {
    const config = providers() +
      webhook('events = ["audit", "breaker", "request"]\n').replace(
        "interval_ms = 10",
        "interval_ms = 60000",
      );
    await withGateway({ config }, async (gateway) => {
      await ask(gateway, "smart");
      expect(events()).toEqual([]);
    });
    const types = events().map(({ type, action }: { type: string; action?: string }) => action ?? type);
    expect(types).toContain("request");
    expect(types).toContain("gateway.stop");
  });

  test("that hang harm nobody, and hold the end up no longer than they may", async () => {
    const hanging = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: () => new Promise<Response>(() => {}),
    });
    const config =
      `${providers()}[telemetry]\nflush_ms = 300\n[[telemetry.exporters]]\nkind = "webhook"\nname = "stuck"\nurl = "http://127.0.0.1:${hanging.port}/"\ninterval_ms = 1\nmax_queue = 5\n`;
    const gateway = await startGateway({ config });
    for (let index = 0; index < 20; index++) expect((await ask(gateway, "two/m")).status).toBe(200);
    const text = await metricsOf(gateway.origin);
    const dropped = Number(
      text.match(/dropped_events_total\{exporter="stuck",reason="queue_full"\} (\d+)/)?.[1],
    );
    expect(dropped).toBeGreaterThan(10);
    const began = performance.now();
    expect(await gateway.stop()).toBe(0);
    expect(performance.now() - began).toBeLessThan(5_000);
    await hanging.stop(true);
  });

  test("of which nothing has changed go on over a reload, others begin anew, and bad ones change nothing", async () => {
    await withGateway({ config: `${providers()}${webhook()}` }, async (gateway) => {
      const change = async (config: string, said: string) => {
        writeFileSync(join(gateway.directory, "gateway.toml"), config);
        gateway.signal("SIGHUP");
        await until(() => gateway.stderr().includes(said), said);
      };
      const sent = async () =>
        Number(
          (await metricsOf(gateway.origin)).match(/exporter_events_total\{exporter="webhook"\} (\d+)/)?.[1],
        );
      await ask(gateway, "two/m");
      await until(async () => await sent() >= 2, "the first events");
      await change(`${providers()}${webhook()}# changed\n`, "was reloaded");
      expect(await sent()).toBeGreaterThanOrEqual(2);
      await change(
        `${providers()}${webhook("no_such_option = true\n")}`,
        'unknown key \\"telemetry.exporters[0].no_such_option\\"',
      );
      expect(await metricsOf(gateway.origin)).toContain("intellirouter_config_last_reload_successful 0");
      await ask(gateway, "two/m");
      await until(async () => await sent() >= 4, "the next events");
      const file = join(gateway.directory, "events.jsonl");
      writeFileSync(
        join(gateway.directory, "gateway.toml"),
        `${providers()}[[telemetry.exporters]]\nkind = "jsonl"\npath = "${file}"\ninterval_ms = 1\n`,
      );
      gateway.signal("SIGHUP");
      await until(
        async () => (await metricsOf(gateway.origin)).includes('exporter="jsonl"'),
        "the other exporter",
      );
      await ask(gateway, "two/m");
      await until(
        () => existsSync(file) && readFileSync(file, "utf8").includes('"type":"request"'),
        "the line",
      );
      expect(await metricsOf(gateway.origin)).not.toContain('exporter="webhook"');
    });
  });

  test("can be files of one's own", async () => {
    const plugin = `
      import { definePlugin } from "intellirouter/plugin";
      import { appendFileSync } from "node:fs";
      import { z } from "zod";
      export default definePlugin({
        apiVersion: 1, kind: "exporter", name: "mine", description: "Mine.",
        options: z.strictObject({ path: z.string() }),
        create: ({ path }, host) => ({
          export: async ({ events }) => {
            for (const { type } of events) appendFileSync(path, type + " " + host.secret("word") + "\\n");
          },
        }),
        secrets: ["word"],
      });`;
    const directory = `${process.env.TMPDIR ?? "/tmp"}`;
    const path = join(directory, `mine-${process.pid}.txt`);
    const config =
      `${providers()}[plugins]\nload = [{ path = "mine.ts" }]\n[[telemetry.exporters]]\nkind = "mine"\npath = "${path}"\nsecrets = { word = { env = "WORD" } }\n`;
    await withGateway({ config, files: { "mine.ts": plugin }, env: { WORD: "hush" } }, async (gateway) => {
      await ask(gateway, "two/m");
    });
    const lines = readFileSync(path, "utf8").trim().split("\n");
    expect(lines).toContain("request hush");
    expect(lines.at(-1)).toBe("audit hush");
  });
});

describe("the audit log", () => {
  test("has starts, reloads and stops, and shows who tampers with it", async () => {
    const gateway = await startGateway({ config: providers() });
    const data = join(gateway.directory, "data");
    writeFileSync(join(gateway.directory, "gateway.toml"), `${providers()}# changed\n`);
    gateway.signal("SIGHUP");
    await until(() => gateway.stderr().includes("was reloaded"), "the reload");
    writeFileSync(join(gateway.directory, "gateway.toml"), "nonsense = 1\n");
    gateway.signal("SIGHUP");
    await until(() => gateway.stderr().includes("is not usable"), "the refusal");
    const listed = await (await fetch(`${gateway.origin}/admin/v1/audit`)).json();
    const seen = listed.data.map(({ action, outcome }: Record<string, string>) => `${action} ${outcome}`);
    // The signal and the watch on the file may each have led to a reload.
    expect([...new Set(seen.toReversed())]).toEqual([
      "gateway.start ok",
      "config.reload ok",
      "config.reload failed",
    ]);
    const page = await (await fetch(`${gateway.origin}/admin/v1/audit?limit=1&before=2`)).json();
    expect([page.data[0].action, page.has_more]).toEqual(["gateway.start", false]);
    // Read while the gateway runs, as an operator would.
    expect(await run("audit", "verify", "--data-dir", data)).toMatchObject({ code: 0 });
    gateway.signal("SIGTERM");
    await gateway.exited;
    const verified = await run("audit", "verify", "--json", "--data-dir", data);
    const { head, entries } = JSON.parse(verified.text);
    expect([verified.code, entries > 3]).toEqual([0, true]);
    expect((await run("audit", "list", "--data-dir", data, "--action", "gateway.stop")).text).toContain(
      "gateway.stop",
    );

    const database = new DatabaseSync(join(data, "audit.sqlite"));
    database.exec(`DELETE FROM audit WHERE sequence = ${entries}`);
    expect(await run("audit", "verify", "--data-dir", data)).toMatchObject({
      code: 1,
      text: expect.stringContaining("cut off"),
    });
    database.exec("UPDATE audit SET actor = 'nobody' WHERE sequence = 2");
    database.close();
    const changed = await run("audit", "verify", "--data-dir", data, "--head", `${head.count}:${head.hash}`);
    expect(changed.code).toBe(1);
    expect(changed.text).toContain("entry 2 was changed");
    expect(changed.text).toContain(`the given head has seen entry ${entries}`);
    await gateway.stop();
  });

  test("has the first admin key", async () => {
    const gateway = await startGateway({ args: ["--host", "0.0.0.0"] });
    await until(() => gateway.stdout().includes("Try"), "the welcome");
    const key = gateway.stdout().match(/sk-ir-[\w-]+/)![0];
    const answer = await fetch(`${gateway.origin}/admin/v1/audit?action=key.create`, {
      headers: { authorization: `Bearer ${key}` },
    });
    const { data } = await answer.json();
    expect(data).toHaveLength(1);
    expect(key).toContain(data[0].resource.slice("key:".length));
    expect(JSON.stringify(data)).not.toContain(key.slice(-20));
    await gateway.stop();
  });
});
