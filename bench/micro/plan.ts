/**
 * What the router itself costs: resolve, plan and an attempt that succeeds at once. Aim: plan of 32 targets ≤ 20 µs at the
 * 99th percentile.
 *
 *   bun bench/micro/plan.ts
 */
import type { Strategy } from "intellirouter/plugin";
import { bench, group, run, summary } from "mitata";
import latency from "../../plugins/strategies/latency.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { routeSchema, routingSchema } from "../../src/schema/settings.ts";
import { compileCondition } from "../../src/router/condition.ts";
import { Router } from "../../src/router/router.ts";
import {
  catalogModel,
  configuredOrder,
  requestFacts,
  targetStates,
} from "../../test/support/router-fixtures.ts";
import { makeStrategy } from "../../test/support/strategy-fixtures.ts";

const ids = Array.from({ length: 32 }, (_, index) => `provider-${index % 4}/model-${index}`);
const catalog = new Map(
  ids.map((
    id,
  ) => [id, catalogModel(id, { inputPrice: 1, outputPrice: 2, contextLength: 128_000, tools: true })]),
);
const silent = { debug() {}, info() {}, warn() {}, error() {} };

const route = (name: string, count: number, strategy: Strategy, when?: string) => ({
  settings: routeSchema.parse({ name, targets: ids.slice(0, count), max_price: { input: 5 } }),
  condition: when === undefined ? undefined : compileCondition(when),
  strategy,
});

const router = new Router({
  routes: [
    route("one", 1, configuredOrder),
    route("four", 4, configuredOrder),
    route("all", 32, configuredOrder),
    route("all-latency", 32, makeStrategy(latency)),
    route("when", 4, configuredOrder, "size(request.messages) < 50 && headers['x-tenant'] == 'acme'"),
  ],
  routing: routingSchema.parse({}),
  catalog: { find: (name) => catalog.get(name), names: () => ids },
  directStrategy: configuredOrder,
  states: targetStates(),
  clock: systemClock,
  random: Math.random,
  logger: silent,
});

const headers = new Headers({
  "content-type": "application/json",
  "x-tenant": "acme",
  "user-agent": "bench",
});
const factsOf = (model: string) => requestFacts({ model, headers, needsTools: true });
const hinted = requestFacts({
  model: "all",
  headers: new Headers({ "x-intellirouter-ignore": "provider-3, */model-1*" }),
});

group("resolve", () => {
  for (const name of [ids[0]!, "four", "all", "when"]) {
    const facts = factsOf(name);
    bench(`resolve ${name}`, () => router.resolve(facts));
  }
});

group("plan", () => {
  summary(() => {
    for (const name of [ids[0]!, "one", "four", "all", "all-latency"]) {
      const facts = factsOf(name);
      const resolution = router.resolve(facts);
      bench(`plan ${name}`, () => router.plan(resolution, facts, []));
    }
    const resolution = router.resolve(hinted);
    bench("plan all, with hints", () => router.plan(resolution, hinted, []));
  });
});

group("attempt", () => {
  const facts = factsOf("four");
  const plan = router.plan(router.resolve(facts), facts, []);
  const { signal } = new AbortController();
  const answer = Promise.resolve("answer");
  bench("attempt that succeeds", async () => {
    const dispatched = await router.attempt(plan, () => answer, {
      signal,
      arrivedAt: performance.now(),
      attempts: [],
    });
    dispatched.finish({ outcome: "ok", outputTokens: 10 });
  });
});

await run();
