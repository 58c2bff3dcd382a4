import { describe, expect, test } from "bun:test";
import { costOf, type Price, worstCostOf } from "./price.ts";

const price: Price = {
  input: 2,
  output: 10,
  cachedInput: 0.5,
  cacheWrite: 2.5,
  perRequest: undefined,
  tiers: [],
  version: "test",
};

function usage(prompt: number, completion: number, cached = 0, written = 0) {
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    prompt_tokens_details: { cached_tokens: cached, cache_write_tokens: written },
  };
}

describe("a request costs", () => {
  test("its prompt, what of it was cached and written, and its answer, each at their own price", () => {
    expect(costOf(price, usage(1_000_000, 100_000, 400_000, 100_000)))
      .toBe(1e9 * (0.5 * 2 + 0.4 * 0.5 + 0.1 * 2.5 + 0.1 * 10));
  });

  test("as much for cached tokens as for others where no price for them is known", () => {
    const plain = { ...price, cachedInput: undefined, cacheWrite: undefined };
    expect(costOf(plain, usage(1_000_000, 0, 400_000, 100_000))).toBe(2e9);
  });

  test("never less than nothing, however a backend counts", () => {
    expect(costOf(price, usage(100, 0, 1_000_000, 5))).toBe(100 * 500);
  });

  test("whole nanodollars", () => {
    expect(costOf({ ...price, input: 0.0375 }, usage(1, 0))).toBe(38);
  });

  test("more for all of its tokens when its prompt is long", () => {
    const rates = { input: 4, output: 15, cachedInput: undefined, cacheWrite: undefined };
    const tiered = { ...price, tiers: [{ above: 200_000, rates }] };
    expect(costOf(tiered, usage(200_000, 10))).toBe(200_000 * 2_000 + 10 * 10_000);
    expect(costOf(tiered, usage(200_001, 10))).toBe(200_001 * 4_000 + 10 * 15_000);
  });

  test("by the request, where that is the price", () => {
    const image = { ...price, perRequest: 0.04 };
    expect(costOf(image, undefined)).toBe(40_000_000);
    expect(costOf(image, usage(1_000, 0))).toBe(42_000_000);
    expect(costOf(price, undefined)).toBeUndefined();
    expect(costOf(undefined, usage(1, 1))).toBeUndefined();
  });
});

test("at most: all of the prompt written to the cache, all of the answer used", () => {
  expect(worstCostOf(price, 1_000, 100)).toBe(1_000 * 2_500 + 100 * 10_000);
  expect(worstCostOf(undefined, 1_000, 100)).toBeUndefined();
  expect(worstCostOf({ ...price, perRequest: 0.04 }, 0, 0)).toBe(40_000_000);
  for (const used of [usage(1_000, 100), usage(1_000, 1, 0, 1_000), usage(1_000, 0, 1_000)]) {
    expect(costOf(price, used)!).toBeLessThanOrEqual(worstCostOf(price, 1_000, 100)!);
  }
});
