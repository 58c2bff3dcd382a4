import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { WindowCounter } from "./window-counter.ts";

const minute = 60_000;

describe("a window", () => {
  test("forgets evenly what was used in the one before", () => {
    const counter = new WindowCounter(minute, 0);
    counter.add(60, 10_000);
    expect(counter.used(59_999)).toBe(60);
    expect(counter.used(minute)).toBe(60);
    expect(counter.used(minute + 15_000)).toBe(45);
    expect(counter.used(2 * minute)).toBe(0);
    expect(counter.used(10 * minute)).toBe(0);
  });

  test("lets nobody use two windows' worth around the turn", () => {
    const counter = new WindowCounter(minute, 0);
    counter.add(10, minute - 1);
    expect(counter.waitMs(10, 10, minute + 1)).toBeGreaterThan(minute - 2);
    expect(counter.waitMs(5, 10, minute + minute / 2)).toBe(0);
  });

  test("corrects what is over in the window in which it was used", () => {
    const counter = new WindowCounter(minute, 0);
    counter.add(100, 0);
    counter.correct(-80, 0, minute + 1);
    expect(counter.used(minute)).toBe(20);
    counter.add(5, minute + 2);
    counter.correct(-500, minute + 2, minute + 3);
    expect(counter.used(minute)).toBe(20);
    counter.correct(-20, 0, 5 * minute);
    expect(counter.used(5 * minute)).toBe(0);
  });

  test("is never open to more than the limit at once", () => {
    const counter = new WindowCounter(minute, 0);
    expect(counter.waitMs(11, 10, 0)).toBe(Infinity);
    expect(counter.waitMs(10, 10, 0)).toBe(0);
  });

  test("says truly how long to wait", () => {
    const step = fc.record({
      after: fc.integer({ min: 0, max: 40_000 }),
      amount: fc.integer({ min: 1, max: 10 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), fc.integer({ min: 1, max: 20 }), (steps, amount) => {
        const limit = 20;
        const counter = new WindowCounter(minute, 0);
        let now = 0;
        for (const { after, amount: used } of steps) {
          now += after;
          if (counter.waitMs(used, limit, now) === 0) counter.add(used, now);
          expect(counter.used(now)).toBeLessThanOrEqual(limit + 1e-9);
        }
        const wait = counter.waitMs(amount, limit, now);
        expect(counter.used(now + Math.ceil(wait)) + amount).toBeLessThanOrEqual(limit + 1e-6);
        if (wait > 2) expect(counter.waitMs(amount, limit, now)).toBe(wait);
      }),
    );
  });
});
