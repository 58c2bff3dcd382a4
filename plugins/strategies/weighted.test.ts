import { expect, test } from "bun:test";
import {
  makeStrategy,
  order,
  request,
  seededRandom,
  shares,
  target,
} from "../../test/support/strategy-fixtures.ts";
import weighted from "./weighted.ts";

const targets = [target("a", { weight: 6 }), target("b", { weight: 3 }), target("c", { weight: 1 })];
const rounds = 20_000;
/** Five standard deviations of the most uncertain share. */
const tolerance = 5 * Math.sqrt(0.25 / rounds);

test("each target comes first with its share of the weights", () => {
  const seen = shares(makeStrategy(weighted), targets, rounds);
  expect(Math.abs(seen.a! - 0.6)).toBeLessThan(tolerance);
  expect(Math.abs(seen.b! - 0.3)).toBeLessThan(tolerance);
  expect(Math.abs(seen.c! - 0.1)).toBeLessThan(tolerance);
});

test("the fallback is drawn by the weights of those that are left", () => {
  const strategy = makeStrategy(weighted, {}, seededRandom(7));
  let afterA = 0;
  let firstA = 0;
  for (let round = 0; round < rounds; round++) {
    const [first, second] = order(strategy, targets);
    if (first !== "a") continue;
    firstA++;
    if (second === "b") afterA++;
  }
  expect(Math.abs(afterA / firstA - 0.75)).toBeLessThan(tolerance * 1.3);
});

test("the propensity is the chance to come first", () => {
  const ranked = makeStrategy(weighted).rank(targets, request());
  expect(Object.fromEntries(ranked.map(({ id, propensity }) => [id, propensity]))).toEqual({
    a: 0.6,
    b: 0.3,
    c: 0.1,
  });
});

test("a weight of 0 is never first and always a fallback", () => {
  const strategy = makeStrategy(weighted);
  for (let round = 0; round < 1_000; round++) {
    expect(order(strategy, [target("never", { weight: 0 }), target("always", { weight: 0.001 })])).toEqual([
      "always",
      "never",
    ]);
  }
});

test("with nothing but weights of 0, the order of the configuration holds", () => {
  expect(order(makeStrategy(weighted), [target("b", { weight: 0 }), target("a", { weight: 0 })])).toEqual([
    "b",
    "a",
  ]);
});

test("extreme draws of chance are no error", () => {
  for (const draw of [0, 1 - Number.EPSILON]) {
    expect(order(makeStrategy(weighted, {}, () => draw), targets)).toHaveLength(3);
  }
});
