import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { RetryBudget } from "./retry-budget.ts";

describe("RetryBudget", () => {
  test("grants the minimum without any traffic, and again when the window has passed", () => {
    const budget = new RetryBudget(0.2, 3);
    expect([1, 2, 3, 4].map(() => budget.tryRetry(0))).toEqual([true, true, true, false]);
    expect(budget.tryRetry(9_999)).toBe(false);
    expect(budget.tryRetry(11_000)).toBe(true);
  });

  test("grants its share of the recent first tries", () => {
    const budget = new RetryBudget(0.2, 0);
    for (let count = 0; count < 50; count++) budget.request(count * 10);
    expect(Array.from({ length: 20 }, () => budget.tryRetry(600)).filter(Boolean)).toHaveLength(10);
  });

  test("forgets traffic that is older than the window", () => {
    const budget = new RetryBudget(0.2, 0);
    for (let count = 0; count < 50; count++) budget.request(0);
    expect(budget.tryRetry(30_000)).toBe(false);
  });

  test("with neither share nor minimum nothing is granted", () => {
    const budget = new RetryBudget(0, 0);
    budget.request(0);
    expect(budget.tryRetry(0)).toBe(false);
  });

  test("property: in no ten seconds are there more retries than the share allows or the minimum", () => {
    const event = fc.record({ wait: fc.integer({ min: 0, max: 3_000 }), retry: fc.boolean() });
    const shape = { share: fc.constantFrom(0, 0.1, 0.2, 1), minimum: fc.integer({ min: 0, max: 5 }) };
    fc.assert(
      fc.property(fc.array(event, { maxLength: 300 }), fc.record(shape), (events, { share, minimum }) => {
        const budget = new RetryBudget(share, minimum);
        const requests: number[] = [];
        const retries: number[] = [];
        let now = 1_700_000_000_000;
        for (const { wait, retry } of events) {
          now += wait;
          if (!retry) {
            budget.request(now);
            requests.push(now);
          } else if (budget.tryRetry(now)) {
            retries.push(now);
            const recent = (times: number[], span: number) =>
              times.filter((time) => time > now - span).length;
            // First tries count for up to one slot longer than the window.
            expect(recent(retries, 10_000)).toBeLessThanOrEqual(
              Math.max(minimum, recent(requests, 11_000) * share),
            );
          }
        }
      }),
    );
  });
});
