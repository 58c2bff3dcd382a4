import { describe, expect, test } from "bun:test";
import type { ModelDescription, Provider } from "../plugin/api/provider.ts";
import { modelSchema, type ModelSettings } from "../schema/settings.ts";
import { ModelRegistry, type RegisteredProvider } from "./model-registry.ts";
import { PriceBook } from "./price-book.ts";

const chat = {
  complete: () => Promise.reject(new Error("not called")),
  stream: () => Promise.reject(new Error("not called")),
};

interface Entry extends Partial<Omit<RegisteredProvider, "listed" | "provider">> {
  readonly name: string;
  readonly known?: readonly ModelDescription[];
  readonly provider?: Provider;
  readonly listed?: readonly ModelDescription[] | (() => readonly ModelDescription[] | undefined);
}

function registry(
  entries: readonly Entry[],
  models: readonly Partial<ModelSettings>[] = [],
  prices = new PriceBook(),
): ModelRegistry {
  return new ModelRegistry({
    providers: entries.map(({ name, known, provider, listed, ...more }) => ({
      name,
      priceId: undefined,
      configuredModels: undefined,
      bareNames: false,
      ...more,
      provider: provider ?? { chat, ...(known === undefined ? {} : { models: known }) },
      listed: typeof listed === "function" ? listed : () => listed,
    })),
    models: models.map((settings) => modelSchema.parse(settings)),
    prices,
  });
}

describe("find", () => {
  const models = registry([
    { name: "cloud", listed: [{ id: "org/large:70b" }, { id: "shared" }] },
    { name: "local", known: [{ id: "small" }, { id: "shared" }] },
  ], [{ id: "smart", target: "cloud/org/large:70b" }, { id: "smarter", target: "smart" }, {
    id: "bare-alias",
    target: "small",
  }]);

  for (
    const [name, id] of [
      ["cloud/org/large:70b", "cloud/org/large:70b"],
      ["org/large:70b", "cloud/org/large:70b"],
      ["small", "local/small"],
      ["shared", "cloud/shared"],
      ["local/shared", "local/shared"],
      ["smart", "cloud/org/large:70b"],
      ["smarter", "cloud/org/large:70b"],
      ["bare-alias", "local/small"],
      ["cloud/not-listed:1/2", "cloud/not-listed:1/2"],
    ] as const
  ) {
    test(`"${name}" is ${id}`, () => expect(models.find(name)?.id).toBe(id));
  }

  for (
    const name of [
      "",
      "nobody",
      "nobody/model",
      "cloud",
      "cloud/",
      "/org",
      "Small",
      "small ",
      "__proto__",
      "constructor",
    ]
  ) {
    test(`"${name}" is nothing`, () => expect(models.find(name)).toBeUndefined());
  }

  test("names that clients make up do not fill the memory", () => {
    const first = models.find("cloud/made-up-0");
    for (let count = 0; count < 3_000; count++) models.find(`cloud/made-up-${count}`);
    // Forgotten and made anew, which is what the bound means.
    expect(models.find("cloud/made-up-0")).not.toBe(first);
    expect(models.find("cloud/made-up-0")).toEqual(first!);
  });

  test("a loop of aliases ends", () => {
    expect(registry([], [{ id: "a", target: "b" }, { id: "b", target: "a" }]).find("a")).toBeUndefined();
  });
});

describe("what is known of a model", () => {
  test("the backend's list wins over the plugin's knowledge field by field, the operator over both", () => {
    const models = registry([{
      name: "cloud",
      known: [{ id: "m", tools: true, contextLength: 1_000, created: 5, ownedBy: "vendor" }],
      listed: [{ id: "m", contextLength: 2_000, vision: false }],
    }], [{
      id: "cloud/m",
      capabilities: { vision: true, max_output_tokens: 9 },
      price: { input: 1, output: 2 },
    }]);
    expect(models.find("cloud/m")).toMatchObject({
      tools: true,
      contextLength: 2_000,
      vision: true,
      maxOutputTokens: 9,
      created: 5,
      ownedBy: "vendor",
      inputPrice: 1,
      outputPrice: 2,
      price: { input: 1, output: 2, cachedInput: undefined, tiers: [] },
    });
  });

  test("facts hold for a model that no list has, too", () => {
    const models = registry([{ name: "cloud" }], [{ id: "cloud/secret", capabilities: { tools: false } }]);
    expect(models.find("cloud/secret")?.tools).toBe(false);
    expect(models.names()).toEqual(["cloud/secret"]);
  });

  test("an alias may have facts of its own, and does not change the model that it stands for", () => {
    const models = registry([{ name: "cloud", listed: [{ id: "m", contextLength: 9 }] }], [
      { id: "short", target: "cloud/m", capabilities: { context_length: 5 } },
    ]);
    expect(models.find("short")?.contextLength).toBe(5);
    expect(models.find("cloud/m")?.contextLength).toBe(9);
  });

  test("operations are those that the provider has", () => {
    const models = registry([{ name: "chat" }, {
      name: "embed",
      provider: { embeddings: { create: () => Promise.reject(new Error()) } },
    }]);
    expect([...models.find("chat/m")!.operations]).toEqual(["chat", "messages", "count_tokens", "responses"]);
    expect([...models.find("embed/m")!.operations]).toEqual(["embeddings"]);
  });

  test("the price data is used once it is there, below what the operator says", async () => {
    const prices = new PriceBook();
    const models = registry([{
      name: "cloud",
      priceId: "openai",
      listed: [{ id: "gpt-4o-mini" }, { id: "gpt-4o" }],
    }], [
      { id: "cloud/gpt-4o", price: { input: 0, output: 0 } },
    ], prices);
    expect(models.find("cloud/gpt-4o-mini")?.inputPrice).toBeUndefined();
    await prices.load();
    models.refresh();
    expect(models.find("cloud/gpt-4o-mini")?.inputPrice).toBeGreaterThan(0);
    expect(models.find("cloud/gpt-4o-mini")?.contextLength).toBeGreaterThan(0);
    expect(models.find("cloud/gpt-4o")).toMatchObject({ inputPrice: 0, outputPrice: 0 });
  });
});

describe("list", () => {
  test("aliases first, then every provider's models in the configuration's order, none twice", () => {
    const models = registry([
      { name: "cloud", known: [{ id: "m" }], listed: [{ id: "m" }, { id: "n" }] },
      { name: "mock", bareNames: true, known: [{ id: "mock-llama", mock: true }] },
    ], [{ id: "smart", target: "cloud/n" }, { id: "cloud/m", capabilities: { tools: true } }]);
    expect(models.names()).toEqual(["smart", "cloud/m", "cloud/n", "mock-llama"]);
    expect(models.list().map(({ id, model }) => [id, model.mock])).toContainEqual(["mock-llama", true]);
    for (const { id, model } of models.list()) expect(models.find(id)).toBe(model);
  });

  test("with models named by the configuration, only they are listed, with what the backend says of them", () => {
    const models = registry([{
      name: "cloud",
      configuredModels: ["b", "c"],
      listed: [{ id: "a" }, { id: "b", contextLength: 7 }],
    }]);
    expect(models.names()).toEqual(["cloud/b", "cloud/c"]);
    expect(models.find("cloud/b")?.contextLength).toBe(7);
    expect(models.find("cloud/a")?.id).toBe("cloud/a");
  });

  test("what a backend lists later is taken in by a refresh", () => {
    const backend: { listed?: readonly ModelDescription[] } = {};
    const models = registry([{ name: "cloud", listed: () => backend.listed }], [{
      id: "smart",
      target: "late",
    }]);
    expect(models.find("cloud/late")?.contextLength).toBeUndefined();
    expect(models.find("smart")).toBeUndefined();
    backend.listed = [{ id: "late", contextLength: 5 }];
    models.refresh();
    expect(models.names()).toEqual(["smart", "cloud/late"]);
    expect(models.find("cloud/late")?.contextLength).toBe(5);
    expect(models.find("smart")?.id).toBe("cloud/late");
  });
});
