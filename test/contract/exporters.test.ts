import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import * as semanticConventions from "@opentelemetry/semantic-conventions/incubating";
import type { ExportBatch, Exporter, PluginDefinition, PluginHost } from "intellirouter/plugin";
import { sampleEvents, sampleFamilies, testExporter } from "intellirouter/plugin/testing";
import { Webhook } from "standardwebhooks";
import {
  operationName,
  pathOf,
  providerName,
  semanticNames,
} from "../../plugins/exporters/otlp/semantic-names.ts";
import { routeTable } from "../../src/http/routes.ts";
import { createEgress } from "../../src/plugin/host/egress.ts";
import { telemetryEventSchema } from "../../src/schema/telemetry-event.ts";
import { metricsIn, type SentSpan, spansIn } from "../support/otlp.ts";
import { type Receiver, startReceiver } from "../support/receiver.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { testHost } from "../support/test-host.ts";

const folder = join(import.meta.dir, "../../plugins/exporters");
const names = readdirSync(folder)
  .filter((file) => file !== "post.ts" && !file.endsWith(".test.ts"))
  .map((file) => basename(file, ".ts"));

async function pluginOf(name: string): Promise<PluginDefinition<"exporter">> {
  const path = join(folder, name);
  return (await import(
    statSync(path, { throwIfNoEntry: false }) === undefined ? `${path}.ts` : join(path, "index.ts")
  )).default;
}

using scratch = temporaryFolder();
let files = 0;
const options: Readonly<Record<string, () => readonly Record<string, unknown>[]>> = {
  otlp: () => [
    { endpoint: "http://127.0.0.1:9" },
    { endpoint: "http://127.0.0.1:9/", protocol: "http/json", compression: "gzip" },
  ],
  jsonl: () => [{ path: join(scratch.path, `${files++}.jsonl`) }],
  webhook: () => [{ url: "http://127.0.0.1:9/hook" }],
};

async function make(
  name: string,
  given: Record<string, unknown>,
  host: Partial<PluginHost>,
): Promise<Exporter> {
  const plugin = await pluginOf(name);
  return await plugin.create(plugin.options.parse(given), testHost(host));
}

for (const name of names) {
  for (const given of options[name]?.() ?? [{}]) {
    describe(`${name} ${JSON.stringify(given)}`, () => {
      testExporter({ describe, test, expect }, { make: (host) => make(name, given, host) });
    });
  }
  test(`${name} is named like its file and refuses unknown options`, async () => {
    const plugin = await pluginOf(name);
    expect([plugin.apiVersion, plugin.kind, plugin.name]).toEqual([1, "exporter", name]);
    const given = options[name]?.()[0] ?? {};
    expect(plugin.options.safeParse(given).success).toBe(true);
    expect(plugin.options.safeParse({ ...given, no_such_option: true }).success).toBe(false);
  });
}

test("the samples of the kit are what exporters really get", () => {
  for (const event of sampleEvents()) telemetryEventSchema.parse(event);
});

const batch = (): ExportBatch => ({
  id: "batch-1",
  events: sampleEvents(),
  providerKinds: new Map([["cloud", "azure-openai"], ["edge", "llama-cpp"]]),
});
const never = new AbortController().signal;

let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver.close());
beforeEach(() => void (receiver.requests as unknown[]).splice(0));

describe("otlp, to a real server", () => {
  for (const protocol of ["http/protobuf", "http/json", "grpc"]) {
    for (const compression of ["none", "gzip"]) {
      test(`${protocol}, ${compression}: spans with their parents, names and times`, async () => {
        const exporter = await make("otlp", {
          endpoint: receiver.url,
          protocol,
          compression,
          resource_attributes: "deployment.environment=test%20one,host.name=edge-1",
        }, { fetch: createEgress(), secret: () => "authorization=Bearer%20abc,x-tenant=one" });
        await exporter.export!(batch(), never);
        expect(receiver.requests[0]!.headers).toMatchObject({
          authorization: "Bearer abc",
          "x-tenant": "one",
        });
        const spans = spansIn(receiver.requests);
        expect(spans.map(({ name, kind }) => [name, kind])).toEqual([
          ["POST /v1/chat/completions", 2],
          ["chat llama", 3],
          ["chat gpt", 3],
          ["POST /v1/embeddings", 2],
        ]);
        const [server, failed, served, refused] = spans as [SentSpan, SentSpan, SentSpan, SentSpan];
        expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(
          new Set(["0af7651916cd43dd8448eb211c80319c"]),
        );
        expect([server.parentSpanId, failed.parentSpanId, served.parentSpanId]).toEqual([
          "b7ad6b7169203330",
          server.spanId,
          server.spanId,
        ]);
        expect([server.status, failed.status, served.status, refused.status]).toEqual([0, 2, 0, 0]);
        expect(served.attributes).toMatchObject({
          "gen_ai.operation.name": "chat",
          "gen_ai.provider.name": "azure.ai.openai",
          "gen_ai.request.model": "gpt",
          "gen_ai.request.stream": true,
          "gen_ai.usage.input_tokens": 100,
          "gen_ai.usage.output_tokens": 20,
          "gen_ai.usage.cache_read.input_tokens": 60,
          "gen_ai.usage.cache_creation.input_tokens": 3,
          "gen_ai.usage.reasoning.output_tokens": 5,
          "gen_ai.response.time_to_first_chunk": 0.2,
        });
        expect(failed.attributes).toMatchObject({
          "gen_ai.provider.name": "llama-cpp",
          "error.type": "overloaded",
          "http.response.status_code": 503,
        });
        expect(failed.attributes).not.toHaveProperty("gen_ai.usage.input_tokens");
        expect(server.attributes).toMatchObject({
          "http.response.status_code": 200,
          "intellirouter.decision": "dec_1",
        });
        expect(server.endNs - server.startNs).toBe(1_516_000_000n);
        expect(served.startNs - server.startNs).toBe(15_000_000n);
        expect(server.startNs).toBe(BigInt(Date.parse("2026-01-02T03:04:05.678Z")) * 1_000_000n);
        expect(server.resource).toMatchObject({
          "service.name": "intellirouter",
          "deployment.environment": "test one",
          "host.name": "edge-1",
        });
      });
    }
  }

  test("metrics of every type", async () => {
    for (const protocol of ["http/protobuf", "http/json"]) {
      (receiver.requests as unknown[]).splice(0);
      const exporter = await make("otlp", { endpoint: receiver.url, protocol }, { fetch: createEgress() });
      await exporter.exportMetrics!(sampleFamilies(), never);
      const sent = new Map(metricsIn(receiver.requests).map((metric) => [metric.name, metric]));
      const point = (name: string) => sent.get(name)!.data.dataPoints[0];
      expect(sent.get("sample_requests_total")!.data).toMatchObject({ isMonotonic: true });
      expect(Number(point("sample_requests_total").asDouble)).toBe(3);
      expect(Number(point("sample_temperature_celsius").asDouble)).toBe(-1.5);
      const histogram = point("sample_duration_seconds");
      expect([histogram.explicitBounds, histogram.bucketCounts.map(Number), Number(histogram.count)]).toEqual(
        [
          [0.5, 1],
          [2, 1, 4],
          7,
        ],
      );
      expect(point("sample_pause_seconds")).toMatchObject({ sum: 2.5 });
      expect(sent.get("sample_duration_seconds")!.unit).toBe("s");
    }
  });

  test("a request that was not sampled, or has no span, leaves none", async () => {
    const exporter = await make("otlp", { endpoint: receiver.url }, { fetch: createEgress() });
    const [event] = sampleEvents() as [Extract<ReturnType<typeof sampleEvents>[number], { type: "request" }>];
    const trace = event.decision.trace!;
    const { span_id: _span, ...withoutSpan } = trace;
    for (const changed of [{ ...trace, sampled: false }, withoutSpan]) {
      await exporter.export!(
        { ...batch(), events: [{ ...event, decision: { ...event.decision, trace: changed } }] },
        never,
      );
    }
    expect(receiver.requests).toEqual([]);
  });

  test("a part can go elsewhere, or nowhere", async () => {
    const exporter = await make("otlp", {
      traces_endpoint: `${receiver.url}/custom`,
      metrics_endpoint: `${receiver.url}/m`,
      metrics: false,
    }, { fetch: createEgress() });
    await exporter.export!(batch(), never);
    expect(exporter.exportMetrics).toBeUndefined();
    expect(receiver.requests.map(({ path }) => path)).toEqual(["/custom"]);
  });
});

describe("semantic names", () => {
  const published = new Set<string>(
    Object.values(semanticConventions).filter((value) => typeof value === "string"),
  );

  test("those of v1.41 are published in that version", () => {
    expect(Object.values(semanticNames("")).filter((name) => !published.has(name))).toEqual([]);
    for (
      const kind of [
        "azure-openai",
        "bedrock",
        "gemini",
        "mistral",
        "vertex",
        "xai",
        "openai",
        "anthropic",
        "groq",
        "deepseek",
      ]
    ) {
      expect(published).toContain(providerName(kind));
    }
    for (const operation of ["chat", "messages", "responses", "completions", "embeddings"]) {
      expect(published).toContain(operationName(operation));
    }
  });

  test("the newest are given to who asks for them", () => {
    expect(semanticNames("").cacheWriteTokens).toBe("gen_ai.usage.cache_creation.input_tokens");
    expect(semanticNames("http, gen_ai_latest_experimental").cacheWriteTokens).toBe(
      "gen_ai.usage.cache_write.input_tokens",
    );
  });

  test("every endpoint has its own path", () => {
    const paths = new Set(routeTable().filter(({ tag }) => tag === "Inference").map(({ path }) => path));
    for (
      const operation of [
        "chat",
        "messages",
        "count_tokens",
        "responses",
        "completions",
        "embeddings",
        "/moderations",
      ]
    ) {
      expect(paths).toContain(pathOf(operation));
    }
  });
});

describe("webhook, to a real server", () => {
  test("is signed so that the published library verifies it", async () => {
    for (const secret of ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "a plain text"]) {
      (receiver.requests as unknown[]).splice(0);
      const exporter = await make("webhook", { url: `${receiver.url}/hook` }, {
        fetch: createEgress(),
        secret: () => secret,
        now: () => Date.now(),
      });
      await exporter.export!(batch(), never);
      const { body, headers } = receiver.requests[0]!;
      const webhook = secret.startsWith("whsec_")
        ? new Webhook(secret)
        : new Webhook(secret, { format: "raw" });
      const verified = webhook.verify(body.toString(), headers as Record<string, string>);
      expect(verified).toEqual({ events: sampleEvents() });
      expect(headers["webhook-id"]).toBe("batch-1");
      expect(() => webhook.verify(`${body} `, headers as Record<string, string>)).toThrow();
    }
  });
});

describe("jsonl", () => {
  const lines = (path: string) =>
    readFileSync(path, "utf8").trim().split("\n").map((line) => JSON.parse(line));

  test("writes one event a line, and a restart goes on behind them", async () => {
    using place = temporaryFolder();
    const path = join(place.path, "deep", "events.jsonl");
    for (let start = 0; start < 2; start++) {
      const exporter = await make("jsonl", { path }, {});
      await exporter.export!(batch(), never);
      await exporter.close!();
    }
    expect(lines(path)).toEqual([...sampleEvents(), ...sampleEvents()]);
    expect(statSync(path).mode & 0o077).toBe(0);
  });

  test("begins a new file by size and by age, and keeps so many old ones", async () => {
    using place = temporaryFolder();
    const path = join(place.path, "events.jsonl");
    let now = Date.now();
    const exporter = await make("jsonl", { path, max_bytes: 5_000, max_age_hours: 1, files: 2 }, {
      now: () => now,
    });
    const sizes = () => readdirSync(place.path).sort();
    await exporter.export!(batch(), never);
    expect(sizes()).toEqual(["events.jsonl"]);
    await exporter.export!(batch(), never);
    await exporter.export!(batch(), never);
    expect(sizes()).toEqual(["events.jsonl", "events.jsonl.1"]);
    now += 3_600_000;
    await exporter.export!({ ...batch(), events: sampleEvents().slice(3) }, never);
    expect(lines(path)).toEqual(sampleEvents().slice(3) as never);
    for (let index = 0; index < 8; index++) await exporter.export!(batch(), never);
    expect(sizes()).toEqual(["events.jsonl", "events.jsonl.1", "events.jsonl.2"]);
    for (const file of sizes()) expect(statSync(join(place.path, file)).size).toBeLessThanOrEqual(5_000);
    await exporter.close!();
  });
});

describe("prometheus", () => {
  test("promtool finds nothing wrong, whatever is in a label", async () => {
    const { body } = (await make("prometheus", {}, {})).scrape!(sampleFamilies());
    expect(body).toContain('sample_requests_total{target="a \\"quoted\\" \\\\ target\\nin two lines"} 3\n');
    expect(body).toContain('sample_duration_seconds_bucket{target="b",le="1"} 3\n');
    expect(body).toContain('sample_duration_seconds_bucket{target="b",le="+Inf"} 7\n');
    expect(body).toContain("sample_pause_seconds_sum 2.5\n");
    const promtool = Bun.spawn(["promtool", "check", "metrics"], {
      stdin: Buffer.from(body),
      stderr: "pipe",
      stdout: "pipe",
    });
    const said = await new Response(promtool.stderr).text() + await new Response(promtool.stdout).text();
    expect([await promtool.exited, said]).toEqual([0, ""]);
  });
});

describe("the kit itself", () => {
  const broken: Readonly<Record<string, (host: Pick<PluginHost, "fetch">) => Exporter>> = {
    "it has an ability": () => ({}),
    "every kind of event is taken, and none is changed": () => ({
      export: ({ events }) => {
        (events as unknown[]).length = 0;
        return Promise.resolve();
      },
    }),
    "a batch of a kind that it has no use for is taken, too": () => ({
      export: ({ events }) =>
        events[0]!.type === "audit" && events.length === 1
          ? Promise.reject(new Error("what?"))
          : Promise.resolve(),
    }),
    "what a receiver refuses is not to be sent again": ({ fetch }) => ({
      export: async () => {
        if (!(await fetch("http://x")).ok) throw new Error("no");
      },
    }),
    "what a busy receiver does not take may be sent again, after the time that it asks for": ({ fetch }) => ({
      export: async () => void await fetch("http://x"),
    }),
    "metrics are written the same each time, and without any of them there is nothing": () => {
      let count = 0;
      return { scrape: () => ({ contentType: "text/plain", body: `sample ${count++}` }) };
    },
  };
  for (const [name, exporter] of Object.entries(broken)) {
    test(`finds: ${name}`, async () => {
      const cases = new Map<string, () => void | Promise<void>>();
      testExporter({
        describe: (_name, body) => body(),
        test: (title, body) => void cases.set(title, body),
        expect,
      }, { make: exporter });
      const failure = await Promise.resolve().then(cases.get(name)).then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(failure).toBeDefined();
    });
  }
});
