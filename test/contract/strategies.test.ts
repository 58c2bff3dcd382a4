import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import type { PluginDefinition, Strategy, StrategyTarget } from "intellirouter/plugin";
import { testStrategy } from "intellirouter/plugin/testing";
import { testHost } from "../support/test-host.ts";

const folder = join(import.meta.dir, "../../plugins/strategies");
const names = readdirSync(folder)
  .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
  .map((file) => basename(file, ".ts"));

/** Further option sets that are put through the kit, beside the defaults. */
const variants: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>> = {
  latency: [{ explore: 0.5 }],
  cheapest: [{ max_outstanding_tokens: 10_000 }],
  sticky: [{ by: "user" }, { by: "principal" }, { by: "header:x-session", load_factor: 1 }],
  "prefix-tokens": [{ block_characters: 64, cached_blocks: 16 }],
};

test("every strategy of the folder is put through the kit", () => {
  expect(names.length).toBeGreaterThanOrEqual(8);
  expect(Object.keys(variants).filter((name) => !names.includes(name))).toEqual([]);
});

for (const name of names) {
  const plugin: PluginDefinition<"strategy"> = (await import(join(folder, `${name}.ts`))).default;

  test(`${name} is named like its file and describes its options`, () => {
    expect([plugin.apiVersion, plugin.kind, plugin.name]).toEqual([1, "strategy", name]);
    expect(plugin.options.safeParse({ no_such_option: true }).success).toBe(false);
  });

  for (const given of [{}, ...variants[name] ?? []]) {
    describe(`${name} ${JSON.stringify(given)}`, () => {
      testStrategy({ describe, test, expect }, {
        make: (host) => plugin.create(plugin.options.parse(given), testHost(host)) as Strategy,
      });
    });
  }
}

describe("the kit itself", () => {
  const broken: Readonly<Record<string, Strategy["rank"]>> = {
    "only targets that it was given are ranked, and none twice": (targets) =>
      [...targets, ...targets].map(({ id }) => ({ id })),
    "no target at all is no error": (targets) => [{ id: targets[0]!.id }],
    "what it is given is left as it was": (targets) =>
      (targets as StrategyTarget[]).reverse().map(({ id }) => ({ id })),
    "scores are finite, and propensities are chances": (targets) =>
      targets.map(({ id }) => ({ id, propensity: 2 })),
    "the same time and chance give the same answers": (targets) =>
      targets.map(({ id }) => ({ id, score: performance.now() + Math.random() })),
    "targets of weight 0, unknown price or great load are no error": (targets) =>
      targets.map(({ id, weight }) => ({ id, score: 1 / weight })),
  };
  for (const [name, rank] of Object.entries(broken)) {
    test(`finds: ${name}`, async () => {
      const cases = new Map<string, () => void | Promise<void>>();
      testStrategy({
        describe: (_name, body) => body(),
        test: (title, body) => void cases.set(title, body),
        expect,
      }, { make: () => ({ rank }) });
      const failure = await Promise.resolve().then(cases.get(name)).then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(failure).toBeDefined();
    });
  }
});
