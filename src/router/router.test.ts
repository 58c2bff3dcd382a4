import { expect, test } from "bun:test";
import { FakeClock } from "../../test/support/fake-clock.ts";
import {
  catalogModel,
  configuredOrder,
  requestFacts,
  targetStates,
} from "../../test/support/router-fixtures.ts";
import type { Strategy } from "../plugin/api/strategy.ts";
import { UpstreamError } from "../plugin/api/upstream-error.ts";
import type { AttemptRecord, Candidate } from "../schema/decision.ts";
import { routeSchema, routingSchema } from "../schema/settings.ts";
import { Router } from "./router.ts";

function setUp(strategy: Strategy = configuredOrder) {
  const clock = new FakeClock();
  const errors: string[] = [];
  const silent = () => {};
  const states = targetStates();
  const options = {
    routes: [{
      settings: routeSchema.parse({ name: "smart", targets: ["a/m", "b/m"] }),
      condition: undefined,
      strategy,
    }],
    routing: routingSchema.parse({}),
    catalog: { find: (name: string) => name.includes("/") ? catalogModel(name) : undefined, names: () => [] },
    directStrategy: configuredOrder,
    states,
    clock,
    random: () => 0.5,
    logger: {
      debug: silent,
      info: silent,
      warn: silent,
      error: (message: string) => void errors.push(message),
    },
  };
  return { clock, errors, options, router: new Router(options) };
}

test("a name is resolved, planned and tried; the record tells all of it", async () => {
  const { clock, router } = setUp();
  const facts = requestFacts();
  const candidates: Candidate[] = [];
  const attempts: AttemptRecord[] = [];
  const plan = router.plan(router.resolve(facts), facts, candidates);
  const dispatched = await router.attempt(
    plan,
    ({ model }) =>
      model.provider === "a"
        ? Promise.reject(new UpstreamError({ kind: "overloaded", message: "busy" }))
        : Promise.resolve(model.id),
    { signal: new AbortController().signal, arrivedAt: clock.monotonic(), attempts },
  );
  expect(dispatched.value).toBe("b/m");
  expect(candidates.map(({ target, rank }) => [target, rank])).toEqual([["a/m", 1], ["b/m", 2]]);
  attempts.push(dispatched.finish({ outcome: "ok", outputTokens: 1 }));
  expect(attempts.map(({ target, outcome }) => [target, outcome])).toEqual([["a/m", "error"], ["b/m", "ok"]]);
});

test("a strategy that fails at every request is logged once in a minute", async () => {
  const { clock, errors, router } = setUp({
    rank() {
      throw new Error("broken");
    },
  });
  const facts = requestFacts();
  const plan = () => router.plan(router.resolve(facts), facts, []);
  for (let count = 0; count < 100; count++) plan();
  expect(errors).toEqual(["the strategy priority failed; the configured order is used"]);
  await clock.advance(60_000);
  plan();
  expect(errors).toHaveLength(2);
});

test("what is known of the targets outlives a configuration", async () => {
  const { clock, router, options } = setUp();
  const facts = requestFacts({ model: "a/m" });
  const fail = () => Promise.reject(new UpstreamError({ kind: "auth", status: 401, message: "bad key" }));
  const series = { signal: new AbortController().signal, arrivedAt: clock.monotonic(), attempts: [] };
  await router.attempt(router.plan(router.resolve(facts), facts, []), fail, series).catch(() => {});
  const next = new Router(options);
  expect(() => next.plan(next.resolve(facts), facts, [])).toThrow(/credential/);
});
