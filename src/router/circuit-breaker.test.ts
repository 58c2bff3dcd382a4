import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { CircuitBreaker } from "./circuit-breaker.ts";

const settings = { failures: 3, openMs: 1_000, maxOpenMs: 3_000 };

function opened(): CircuitBreaker {
  const breaker = new CircuitBreaker(settings);
  for (let count = 0; count < settings.failures; count++) breaker.fail(0, breaker.begin(0));
  return breaker;
}

describe("CircuitBreaker", () => {
  test("opens after the configured failures in a row and not before", () => {
    const breaker = new CircuitBreaker(settings);
    breaker.fail(0, breaker.begin(0));
    breaker.fail(0, breaker.begin(0));
    expect(breaker.allows(0)).toBe(true);
    breaker.fail(0, breaker.begin(0));
    expect(breaker.state(0)).toBe("open");
    expect(breaker.allows(999)).toBe(false);
    expect(breaker.retryAfterMs(400)).toBe(600);
  });

  test("a success in between starts the count anew", () => {
    const breaker = new CircuitBreaker(settings);
    breaker.fail(0, false);
    breaker.fail(0, false);
    breaker.succeed();
    breaker.fail(0, false);
    breaker.fail(0, false);
    expect(breaker.state(0)).toBe("closed");
  });

  test("lets one probe through when the time is over, and no second until it ends", () => {
    const breaker = opened();
    expect(breaker.state(1_000)).toBe("half-open");
    expect(breaker.allows(1_000)).toBe(true);
    expect(breaker.begin(1_000)).toBe(true);
    expect(breaker.allows(1_000)).toBe(false);
    expect(breaker.begin(1_000)).toBe(false);
    breaker.succeed();
    expect(breaker.state(1_000)).toBe("closed");
    expect(breaker.allows(1_000)).toBe(true);
  });

  test("a failed probe opens it for twice as long, up to the limit", () => {
    const breaker = opened();
    breaker.fail(1_000, breaker.begin(1_000));
    expect(breaker.retryAfterMs(1_000)).toBe(2_000);
    breaker.fail(3_000, breaker.begin(3_000));
    expect(breaker.retryAfterMs(3_000)).toBe(3_000);
    breaker.fail(6_000, breaker.begin(6_000));
    expect(breaker.retryAfterMs(6_000)).toBe(3_000);
  });

  test("a probe that says nothing lets the next one through", () => {
    const breaker = opened();
    breaker.neutral(breaker.begin(1_000));
    expect(breaker.state(1_000)).toBe("half-open");
    expect(breaker.allows(1_000)).toBe(true);
  });

  test("calls from before the opening do not end the probe, nor lengthen the time", () => {
    const breaker = new CircuitBreaker(settings);
    const early = breaker.begin(0);
    for (let count = 0; count < settings.failures; count++) breaker.fail(0, breaker.begin(0));
    breaker.fail(500, early);
    expect(breaker.retryAfterMs(500)).toBe(500);
    const probe = breaker.begin(1_000);
    breaker.neutral(early);
    expect(breaker.allows(1_000)).toBe(false);
    breaker.fail(1_000, early);
    expect(breaker.allows(1_000)).toBe(false);
    expect(breaker.state(1_000)).toBe("half-open");
    breaker.neutral(probe);
    expect(breaker.allows(1_000)).toBe(true);
  });

  test("property: it never lets two probes through at once, and it never stays shut for longer than the limit", () => {
    const step = fc.record({
      wait: fc.integer({ min: 0, max: 1_500 }),
      action: fc.constantFrom("call" as const, "ok" as const, "fail" as const, "neutral" as const),
      which: fc.nat(),
    });
    fc.assert(fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const breaker = new CircuitBreaker(settings);
      const calls: boolean[] = [];
      let now = 0;
      for (const { wait, action, which } of steps) {
        now += wait;
        if (action === "call") {
          if (breaker.allows(now)) calls.push(breaker.begin(now));
        } else if (calls.length > 0) {
          const [probe] = calls.splice(which % calls.length, 1);
          if (action === "ok") breaker.succeed();
          else if (action === "fail") breaker.fail(now, probe!);
          else breaker.neutral(probe!);
          // A success of any call closes the circuit; the probe is then a call like any other.
          if (action === "ok") calls.fill(false);
        }
        expect(calls.filter(Boolean).length).toBeLessThanOrEqual(1);
        expect(breaker.retryAfterMs(now)).toBeLessThanOrEqual(settings.maxOpenMs);
        if (!calls.includes(true)) expect(breaker.allows(now + settings.maxOpenMs)).toBe(true);
      }
    }));
  });
});
