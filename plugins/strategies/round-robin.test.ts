import { expect, test } from "bun:test";
import { makeStrategy, order, target } from "../../test/support/strategy-fixtures.ts";
import roundRobin from "./round-robin.ts";

function turns(targets: Parameters<typeof order>[1], count: number): string {
  const strategy = makeStrategy(roundRobin);
  return Array.from({ length: count }, () => order(strategy, targets)[0]).join("");
}

test("every target has its turn", () => {
  expect(turns([target("a"), target("b"), target("c")], 7)).toBe("abcabca");
});

test("turns of a heavy target are spread, as nginx does it", () => {
  expect(turns([target("a", { weight: 5 }), target("b"), target("c")], 14)).toBe("aabacaaaabacaa");
});

test("in every cycle each target has exactly as many turns as its weight", () => {
  const targets = [
    target("a", { weight: 7 }),
    target("b", { weight: 2 }),
    target("c", { weight: 4 }),
    target("d", { weight: 0 }),
  ];
  const seen = turns(targets, 13 * 20);
  for (const [id, weight] of [["a", 7], ["b", 2], ["c", 4], ["d", 0]] as const) {
    expect(seen.split(id).length - 1).toBe(weight * 20);
  }
});

test("a target that was away has no turns saved up", () => {
  const strategy = makeStrategy(roundRobin);
  for (let round = 0; round < 50; round++) order(strategy, [target("a")]);
  const back = Array.from({ length: 4 }, () => order(strategy, [target("a"), target("b")])[0]);
  expect(back.filter((id) => id === "b")).toHaveLength(2);
});

test("those behind the first are fallbacks, a weight of 0 the last", () => {
  expect(order(makeStrategy(roundRobin), [target("z", { weight: 0 }), target("a"), target("b")])).toEqual([
    "a",
    "b",
    "z",
  ]);
});
