/** The dashboard and the alert rules in deployment/observability, held against a gateway that runs. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { metricTable } from "../../src/schema/metrics.ts";
import { chunk, event, sendJson, startStream, startUpstream, type Upstream } from "../support/upstream.ts";
import { startRedis } from "../support/redis.ts";
import { startReceiver } from "../support/receiver.ts";
import { startGateway } from "./support/gateway.ts";

const folder = resolve(import.meta.dir, "../../deployment/observability");
const rules = readFileSync(join(folder, "alerts.yaml"), "utf8");
const dashboard = JSON.parse(readFileSync(join(folder, "grafana-dashboard.json"), "utf8"));

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly datasource?: { readonly uid: string };
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[];
}

const panels: readonly Panel[] = dashboard.panels;
const queries = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
const variables: readonly string[] = dashboard.templating.list.map(({ definition }: { definition: string }) =>
  definition
);

const metricName = /\b(?:intellirouter|process)_[a-z_]+\b/g;
const namesIn = (
  texts: readonly string[],
) => [...new Set(texts.flatMap((text) => text.match(metricName) ?? []))];
const expressions = [...rules.matchAll(/expr: (?:\|\n((?: {10,}.*\n)+)|(.*)\n)/g)].map(([, block, line]) =>
  block ?? line ?? ""
);

let upstream: Upstream;
beforeAll(async () => {
  upstream = await startUpstream();
});
afterAll(() => upstream.close());

/** Every name that `/metrics` has after traffic of every kind. */
async function exportedNames(): Promise<Set<string>> {
  upstream.on(
    "busy",
    (_call, response) =>
      sendJson(response, 503, { error: { message: "busy", type: "x", param: null, code: null } }),
  );
  upstream.on("pieces", async (_call, response) => {
    startStream(response);
    for (const word of ["one", "two", "three"]) {
      response.write(event(chunk("pieces", { content: word })));
      await Bun.sleep(5);
    }
    response.end(event(chunk("pieces", {}, "stop")) + event("[DONE]"));
  });
  const receiver = await startReceiver();
  const redis = await startRedis();
  const gateway = await startGateway({
    config: `
[[providers]]
name = "up"
kind = "openai-compatible"
base_url = "${upstream.url}"
list_models = false
[[models]]
id = "up/m"
price = { input = 1, output = 1 }
[routing]
retries = 1
backoff_base_ms = 1
[[routes]]
name = "smart"
targets = ["up/busy", "up/m"]
[[routes]]
name = "kept"
targets = ["up/m"]
cache = { ttl_seconds = 60 }
[redis]
host = "127.0.0.1"
port = ${redis.port}
[limits]
max_tokens_per_request = 1000
[budget]
daily_usd = 0.00002
mode = "soft"
[[telemetry.exporters]]
kind = "webhook"
url = "${receiver.url}"
`,
  });
  try {
    for (const stream of [false, true]) {
      for (const model of ["smart", "up/unpriced", "up/busy", "up/pieces", "kept", "kept"]) {
        const answer = await fetch(`${gateway.origin}/v1/chat/completions`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ model, stream, messages: [{ role: "user", content: "Hello" }] }),
        });
        await answer.text();
      }
    }
    await fetch(`${gateway.origin}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        model: "up/m",
        max_tokens: 5_000,
        messages: [{ role: "user", content: "Hello" }],
      }),
    });
    await fetch(`${gateway.origin}/nowhere`);
    const text = await (await fetch(`${gateway.origin}/metrics`)).text();
    return new Set([...text.matchAll(/^([a-z_]+)(?:\{| )/gm)].map(([, name]) => name!));
  } finally {
    await gateway.stop();
    await receiver.close();
    await redis.stop();
  }
}

test("every metric that the dashboard and the alerts ask for is there", async () => {
  const asked = namesIn([...queries, ...variables, ...expressions]);
  expect(asked.length).toBeGreaterThan(30);
  const exported = await exportedNames();
  expect(asked.filter((name) => !exported.has(name))).toEqual([]);
});

test("every label that they ask for is one of the metric's", () => {
  const asked = [...queries, ...expressions].flatMap((query) =>
    [...query.matchAll(/\b((?:intellirouter|process)_[a-z_]+)\{([^}]*)\}/g)].flatMap(([, name, labels]) =>
      [...labels!.matchAll(/(\w+)\s*[=!]/g)].map(([, label]) => [name!, label!] as const)
    )
  );
  expect(asked.length).toBeGreaterThan(30);
  const wrong = asked.filter(([name, label]) => {
    const base = name.replace(/_(bucket|sum|count)$/, "");
    const table: Readonly<Record<string, { readonly labels: readonly string[] }>> = metricTable;
    const known = (table[name] ?? table[base])!.labels;
    return label !== "instance" && label !== "le" && !known.includes(label);
  });
  expect(wrong).toEqual([]);
});

describe("the dashboard", () => {
  test("can be imported into any Grafana", () => {
    expect(dashboard.uid).toMatch(/^[\w-]{1,40}$/);
    expect(dashboard.schemaVersion).toBeGreaterThanOrEqual(36);
    expect(dashboard.__inputs).toMatchObject([{
      name: "DS_PROMETHEUS",
      type: "datasource",
      pluginId: "prometheus",
    }]);
    const sources = JSON.stringify(dashboard).match(/"uid":"[^"]*"/g)!.filter((text) =>
      text !== '"uid":"intellirouter"'
    );
    expect(new Set(sources)).toEqual(new Set(['"uid":"${DS_PROMETHEUS}"']));
  });

  test("has panels that neither share an id nor lie on each other", () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, index) => `${x + (index % w)} ${y + Math.floor(index / w)}`)
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(panels.every(({ gridPos: { x, w } }) => x + w <= 24)).toBe(true);
  });

  test("asks in words that Prometheus understands", async () => {
    const groups = queries.map((expr, index) => ({
      name: `q${index}`,
      rules: [{
        record: `checked:q${index}`,
        expr: expr.replaceAll("$__rate_interval", "5m").replaceAll("$instance", ".*").replaceAll(
          "$route",
          ".*",
        ),
      }],
    }));
    const child = Bun.spawn(["promtool", "check", "rules", "/dev/stdin"], {
      stdin: Buffer.from(JSON.stringify({ groups })),
      stdout: "pipe",
      stderr: "pipe",
    });
    const said = await new Response(child.stdout).text() + await new Response(child.stderr).text();
    expect([await child.exited, said]).toEqual([0, expect.stringContaining(`${queries.length} rules found`)]);
  });
});

for (
  const [what, args] of [["check rules", ["alerts.yaml"]], ["test rules", ["alerts.test.yaml"]]] as const
) {
  test(`promtool ${what} ${args.join(" ")}`, async () => {
    const child = Bun.spawn(["promtool", ...what.split(" "), ...args], {
      cwd: folder,
      stdout: "pipe",
      stderr: "pipe",
    });
    const said = await new Response(child.stdout).text() + await new Response(child.stderr).text();
    expect([await child.exited, said]).toEqual([0, expect.stringContaining("SUCCESS")]);
  });
}
