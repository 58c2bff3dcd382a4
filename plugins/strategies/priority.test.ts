import { expect, test } from "bun:test";
import { makeStrategy, order, target } from "../../test/support/strategy-fixtures.ts";
import priority from "./priority.ts";

test("the order of the configuration is kept, whatever the load and the weights", () => {
  const targets = [
    target("c", { outstandingTokens: 9_999 }),
    target("a", { weight: 0 }),
    target("b", { weight: 50 }),
  ];
  expect(order(makeStrategy(priority), targets)).toEqual(["c", "a", "b"]);
});
