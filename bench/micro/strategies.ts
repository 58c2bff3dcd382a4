/**
 * What every strategy costs for one request, ranking and learning, with 4 and with 32 targets.
 *
 *   bun bench/micro/strategies.ts
 */
import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import type { PluginDefinition } from "intellirouter/plugin";
import { bench, group, run, summary } from "mitata";
import {
  makeStrategy,
  outcome,
  request,
  seededRandom,
  target,
} from "../../test/support/strategy-fixtures.ts";

const folder = join(import.meta.dir, "../../plugins/strategies");
const names = readdirSync(folder).filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts")).map((
  file,
) => basename(file, ".ts"));
const plugins = new Map<string, PluginDefinition<"strategy">>();
for (const name of names) plugins.set(name, (await import(join(folder, `${name}.ts`))).default);

for (const [size, characters] of [["1 kB", 1_000], ["34 kB", 34_000]] as const) {
  const prompt = `\u0000user\u0000${"word ".repeat(characters / 5)}`;
  for (const count of [4, 32]) {
    const random = seededRandom(1);
    const targets = Array.from(
      { length: count },
      (_, index) =>
        target(`provider-${index % 4}/model-${index}`, {
          weight: 1 + index % 3,
          outstandingRequests: Math.floor(random() * 10),
          outstandingTokens: Math.floor(random() * 10_000),
          inputPrice: random(),
          outputPrice: random() * 4,
        }),
    );
    group(`${count} targets, prompt of ${size}`, () => {
      summary(() => {
        for (const name of names) {
          bench(name, function* () {
            const strategy = makeStrategy(plugins.get(name)!);
            for (const { id } of targets) {
              strategy.onOutcome?.(outcome(id, { request: request({ prompt: () => prompt }) }));
            }
            yield () => {
              const asked = request({ promptTokens: characters / 4, user: "user-1", prompt: () => prompt });
              const [first] = strategy.rank(targets, asked);
              strategy.onOutcome?.(outcome(first!.id, { request: asked }));
            };
          });
        }
      });
    });
  }
}

await run();
