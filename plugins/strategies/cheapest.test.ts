import { expect, test } from "bun:test";
import { makeStrategy, order, request, target } from "../../test/support/strategy-fixtures.ts";
import cheapest from "./cheapest.ts";

const cheapInput = target("cheap-input", { inputPrice: 1, outputPrice: 20 });
const cheapOutput = target("cheap-output", { inputPrice: 5, outputPrice: 5 });
const unknown = target("unknown");

test("the price is this request's own: a long prompt and a long answer have different cheapest targets", () => {
  const strategy = makeStrategy(cheapest);
  const targets = [unknown, cheapInput, cheapOutput];
  expect(order(strategy, targets, request({ promptTokens: 10_000, outputTokens: 10 }))).toEqual([
    "cheap-input",
    "cheap-output",
    "unknown",
  ]);
  expect(order(strategy, targets, request({ promptTokens: 10, outputTokens: 500 }))).toEqual([
    "cheap-output",
    "cheap-input",
    "unknown",
  ]);
});

test("the score is the cost in US dollars, below zero", () => {
  const [best] = makeStrategy(cheapest).rank(
    [cheapInput],
    request({ promptTokens: 1_000_000, outputTokens: 100_000 }),
  );
  expect(best?.score).toBeCloseTo(-3, 10);
});

test("a price of which only half is known is unknown", () => {
  expect(order(makeStrategy(cheapest), [target("half", { inputPrice: 0 }), cheapInput])).toEqual([
    "cheap-input",
    "half",
  ]);
});

test("equal prices keep the order of the configuration", () => {
  const free = { inputPrice: 0, outputPrice: 0 };
  expect(order(makeStrategy(cheapest), [target("b", free), target("a", free)])).toEqual(["b", "a"]);
});

test("max_cost_usd leaves out what would cost more, and what has no price", () => {
  const strategy = makeStrategy(cheapest, { max_cost_usd: 0.01 });
  const asked = request({ promptTokens: 5_000, outputTokens: 100 });
  expect(order(strategy, [unknown, cheapInput, cheapOutput], asked)).toEqual(["cheap-input"]);
});

test("max_outstanding_tokens puts a busy target behind dearer ones", () => {
  const strategy = makeStrategy(cheapest, { max_outstanding_tokens: 1_000 });
  expect(
    order(
      strategy,
      [{ ...cheapInput, outstandingTokens: 1_001 }, cheapOutput],
      request({ promptTokens: 10_000 }),
    ),
  )
    .toEqual(["cheap-output", "cheap-input"]);
});

test("the limit holds for the longest answer that the request allows", () => {
  const strategy = makeStrategy(cheapest, { max_cost_usd: 0.06 });
  const dear = target("dear", { inputPrice: 1, outputPrice: 100 });
  const ask = (maxOutputTokens: number | undefined) =>
    order(strategy, [dear], request({ promptTokens: 10, outputTokens: 512, maxOutputTokens }));
  expect(ask(100_000)).toEqual([]);
  expect(ask(500)).toEqual(["dear"]);
  expect(ask(undefined)).toEqual(["dear"]);
});
