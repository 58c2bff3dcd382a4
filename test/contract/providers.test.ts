import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { PluginDefinition, Provider } from "intellirouter/plugin";
import { testProvider } from "intellirouter/plugin/testing";
import { builtinPlugins } from "../../plugins/builtin.ts";
import { createEgress } from "../../src/plugin/host/egress.ts";
import { testHost } from "../support/test-host.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

let upstream: Upstream;

beforeAll(async () => {
  upstream = await startUpstream();
});

afterAll(() => upstream.close());

const host = testHost({ fetch: createEgress(), secret: () => "sk-contract-key" });
const providers = builtinPlugins.filter((plugin): plugin is PluginDefinition<"provider"> =>
  plugin.kind === "provider"
);

/** Those whose wire is another, or whose address has another form, have a test file of their own. */
const isShared = ({ name }: { readonly name: string }) =>
  !existsSync(join(import.meta.dir, `providers-${name}.test.ts`));

for (const plugin of providers.filter(isShared)) {
  describe(plugin.name, () => {
    const make = (options: Record<string, unknown>) =>
      plugin.create(plugin.options.parse(options), host) as Provider;
    if (plugin.name === "mock") {
      testProvider({ describe, test, expect }, {
        make: () => make({ delay_ms: 0 }),
        chatModel: "mock-llama",
        embeddingModel: "mock-embedding",
      });
    } else {
      testProvider({ describe, test, expect }, {
        make: () => make({ base_url: upstream.url }),
        chatModel: "normal",
        embeddingModel: "embedder",
        makeFailing: () => make({ base_url: "http://127.0.0.1:9/v1" }),
      });
    }

    test("refuses an option that it does not know", () => {
      expect(plugin.options.safeParse({ base_url: "http://127.0.0.1/v1", no_such_option: 1 }).success).toBe(
        false,
      );
    });
  });
}

test("every vendor is one file of at most 40 lines, and has a default address or asks for one", async () => {
  for (const plugin of providers) {
    const file = Bun.file(`${import.meta.dir}/../../plugins/providers/${plugin.name}.ts`);
    if (await file.exists()) {
      expect((await file.text()).trimEnd().split("\n").length).toBeLessThanOrEqual(40);
      expect(plugin.options.safeParse({}).success).toBe(true);
    }
  }
});

describe("the mock", () => {
  const plugin = providers.find(({ name }) => name === "mock")!;
  const provider = plugin.create(plugin.options.parse({ delay_ms: 0, slow_ms: 0 }), host) as Provider;
  const context = {
    requestId: "r",
    signal: new AbortController().signal,
    reportLoss: () => {},
    tenant: "default",
  };
  const ask = (model: string, more: object = {}) =>
    provider.chat!.complete(
      { model, messages: [{ role: "user", content: "Weather in Oslo?" }], ...more } as never,
      context,
    ).then(({ body }) => body);
  const tools = [{
    type: "function",
    function: {
      name: "weather",
      parameters: { type: "object", properties: { city: { type: "string" }, days: { type: "integer" } } },
    },
  }];

  test("gives the same answer to the same request, and another to another", async () => {
    expect(await ask("mock-llama")).toEqual(await ask("mock-llama"));
    expect((await ask("mock-llama", { messages: [{ role: "user", content: "Else" }] })).choices).not.toEqual(
      (await ask("mock-llama")).choices,
    );
  });

  test("honours max_tokens, stop and n", async () => {
    expect((await ask("mock-llama", { max_tokens: 3 })).choices[0]).toMatchObject({
      finish_reason: "length",
    });
    const [first] = (await ask("mock-llama", { stop: "Oslo" })).choices;
    expect(first!.message.content).not.toContain("Oslo");
    expect((await ask("mock-llama", { n: 3 })).choices.map(({ index }) => index)).toEqual([0, 1, 2]);
  });

  test("calls tools when forced or when it is its way, with arguments that fit, and answers afterwards", async () => {
    for (
      const [model, more, count] of [["mock-llama", { tool_choice: "required" }, 1], [
        "mock-llama-tools",
        {},
        1,
      ], ["mock-llama-parallel-tools", {}, 2]] as const
    ) {
      const { message, finish_reason } = (await ask(model, { tools, ...more })).choices[0]!;
      expect([finish_reason, message.tool_calls?.length]).toEqual(["tool_calls", count]);
      expect(JSON.parse(message.tool_calls![0]!.function!.arguments)).toEqual({
        city: expect.any(String),
        days: expect.any(Number),
      });
    }
    const answered = await ask("mock-llama-tools", {
      tools,
      messages: [{ role: "user", content: "x" }, { role: "tool", tool_call_id: "c", content: "sunny" }],
    });
    expect(answered.choices[0]!.finish_reason).toBe("stop");
  });

  test("answers in JSON that fits the schema", async () => {
    const schema = {
      type: "object",
      properties: {
        name: { type: "string" },
        tags: { type: "array", items: { enum: ["a", "b"] } },
        ok: { type: "boolean" },
      },
    };
    const answer = await ask("mock-llama", {
      response_format: { type: "json_schema", json_schema: { name: "x", schema } },
    });
    expect(JSON.parse(answer.choices[0]!.message.content!)).toEqual({
      name: expect.any(String),
      tags: ["a"],
      ok: true,
    });
  });

  test("fails in the way that its name says", async () => {
    for (
      const [model, kind] of [
        ["400", "invalid_request"],
        ["401", "auth"],
        ["429", "rate_limited"],
        ["500", "unavailable"],
        ["503", "overloaded"],
        ["context", "context_length"],
        ["filter", "content_filter"],
      ]
    ) {
      expect(await ask(`mock-llama-error-${model}`).then(() => undefined, (error) => error.kind)).toBe(kind);
    }
  });

  test("embeds similar texts near each other, with the asked-for length", async () => {
    const vectors = (await provider.embeddings!.create({
      model: "mock-embedding",
      input: ["the cat sat", "the cat sat down", "stock markets fell"],
      dimensions: 64,
    }, context)).body.data
      .map(({ embedding }) => embedding as number[]);
    const near = (left: number[], right: number[]) =>
      left.reduce((sum, value, index) => sum + value * right[index]!, 0);
    expect(vectors.map((vector) => vector.length)).toEqual([64, 64, 64]);
    expect(near(vectors[0]!, vectors[0]!)).toBeCloseTo(1, 6);
    expect(near(vectors[0]!, vectors[1]!)).toBeGreaterThan(near(vectors[0]!, vectors[2]!));
  });
});
