import { expect, test } from "bun:test";
import { makeStrategy, order, shares, target } from "../../test/support/strategy-fixtures.ts";
import leastBusy from "./least-busy.ts";

test("the fewest outstanding tokens go first, and not the fewest requests", () => {
  const many = target("many", { outstandingRequests: 40, outstandingTokens: 4_000 });
  const large = target("large", { outstandingRequests: 1, outstandingTokens: 100_000 });
  expect(order(makeStrategy(leastBusy), [large, many, target("idle")])).toEqual(["idle", "many", "large"]);
});

test("a target of twice the weight may have twice the tokens", () => {
  const small = target("small", { outstandingTokens: 600 });
  expect(order(makeStrategy(leastBusy), [small, target("big", { weight: 2, outstandingTokens: 1_100 })])[0])
    .toBe("big");
  expect(order(makeStrategy(leastBusy), [small, target("big", { weight: 2, outstandingTokens: 1_300 })])[0])
    .toBe("small");
});

test("equally busy targets share", () => {
  const seen = shares(makeStrategy(leastBusy), [target("a"), target("b"), target("c")], 6_000);
  for (const share of Object.values(seen)) expect(Math.abs(share - 1 / 3)).toBeLessThan(0.035);
});

test("a weight of 0 is last, however idle", () => {
  expect(
    order(makeStrategy(leastBusy), [
      target("zero", { weight: 0 }),
      target("busy", { outstandingTokens: 1e9 }),
    ]),
  ).toEqual(["busy", "zero"]);
});
