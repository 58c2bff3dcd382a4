import { describe, expect, test } from "bun:test";
import {
  makeStrategy,
  order,
  outcome,
  request,
  seededRandom,
  shares,
  target,
} from "../../test/support/strategy-fixtures.ts";
import latency from "./latency.ts";

/** Time to the first token: fixed part and part by prompt token; then time by output token. In milliseconds. */
interface Speed {
  readonly fixed: number;
  readonly perPromptToken: number;
  readonly perOutputToken: number;
}

function answer(id: string, speed: Speed, promptTokens: number, outputTokens: number, noise = 1) {
  const firstTokenMs = (speed.fixed + speed.perPromptToken * promptTokens) * noise;
  return outcome(id, {
    promptTokens,
    outputTokens,
    firstTokenMs,
    totalMs: firstTokenMs + speed.perOutputToken * outputTokens * noise,
  });
}

const still = { explore: 0 };
const pair = [target("a"), target("b")];

describe("prediction from the request's own size", () => {
  // a begins at once and writes slowly; b takes long to begin and writes fast; c reads long prompts fast.
  const speeds: Record<string, Speed> = {
    a: { fixed: 50, perPromptToken: 1, perOutputToken: 50 },
    b: { fixed: 2_000, perPromptToken: 1, perOutputToken: 5 },
    c: { fixed: 1_000, perPromptToken: 0.01, perOutputToken: 30 },
  };
  const strategy = makeStrategy(latency, still);
  const random = seededRandom(5);
  for (let round = 0; round < 60; round++) {
    for (const [id, speed] of Object.entries(speeds)) {
      strategy.onOutcome!(
        answer(id, speed, 50 + random() * 5_000, 10 + random() * 400, 0.95 + 0.1 * random()),
      );
    }
  }
  const targets = Object.keys(speeds).map((id) => target(id));
  const best = (promptTokens: number, outputTokens: number) =>
    order(strategy, targets, request({ promptTokens, outputTokens }))[0];

  test("a short answer goes where it begins first", () => expect(best(50, 5)).toBe("a"));
  test("a long answer goes where it is written fastest", () => expect(best(50, 400)).toBe("b"));
  test("a long prompt with a short answer goes where it is read fastest", () =>
    expect(best(8_000, 20)).toBe("c"));

  test("the score is the predicted time, near the true one", () => {
    const ranked = strategy.rank(targets, request({ promptTokens: 1_000, outputTokens: 100 }));
    for (const { id, score } of ranked) {
      const speed = speeds[id]!;
      const truth = speed.fixed + 1_000 * speed.perPromptToken + 100 * speed.perOutputToken;
      expect(Math.abs(-score! / truth - 1)).toBeLessThan(0.1);
    }
  });
});

test("the faster of two targets gets the traffic, and the slower one is still watched", () => {
  const strategy = makeStrategy(latency, { explore: 0.05 });
  const speeds: Record<string, Speed> = {
    a: { fixed: 300, perPromptToken: 0.2, perOutputToken: 20 },
    b: { fixed: 100, perPromptToken: 0.1, perOutputToken: 10 },
  };
  const random = seededRandom(9);
  const counts = { a: 0, b: 0 };
  for (let round = 0; round < 3_000; round++) {
    const [first] = order(strategy, pair, request({ promptTokens: 500, outputTokens: 200 })) as ("a" | "b")[];
    counts[first!]++;
    strategy.onOutcome!(answer(first!, speeds[first!]!, 500, 200, 0.8 + 0.4 * random()));
  }
  expect(counts.b / 3_000).toBeGreaterThan(0.92);
  expect(counts.a / 3_000).toBeGreaterThan(0.03);
});

test("a target that becomes fast, or slow, is noticed", () => {
  const strategy = makeStrategy(latency, { explore: 0.05 }, seededRandom(11));
  const slow: Speed = { fixed: 1_000, perPromptToken: 0, perOutputToken: 20 };
  const fast: Speed = { fixed: 100, perPromptToken: 0, perOutputToken: 5 };
  const lastShare = (speeds: Record<string, Speed>) => {
    let toA = 0;
    for (let round = 0; round < 3_000; round++) {
      const [first] = order(strategy, pair);
      if (round >= 2_500 && first === "a") toA++;
      strategy.onOutcome!(answer(first!, speeds[first!]!, 100, 100));
    }
    return toA / 500;
  };
  expect(lastShare({ a: slow, b: fast })).toBeLessThan(0.1);
  expect(lastShare({ a: fast, b: slow })).toBeGreaterThan(0.9);
});

describe("what is not known yet", () => {
  test("targets that were never tried go first, and share", () => {
    const strategy = makeStrategy(latency, still);
    strategy.onOutcome!(answer("a", { fixed: 1, perPromptToken: 0, perOutputToken: 0.1 }, 100, 100));
    const seen = shares(strategy, [target("a"), target("b"), target("c")], 4_000);
    expect(seen.a).toBe(0);
    expect(Math.abs(seen.b! - 0.5)).toBeLessThan(0.04);
  });

  test("one whole answer, without a first-token time, teaches nothing and harms nothing", () => {
    const strategy = makeStrategy(latency, still);
    const { firstTokenMs: _, ...whole } = outcome("a");
    strategy.onOutcome!(whole);
    expect(order(strategy, pair)).toHaveLength(2);
  });
});

describe("failures", () => {
  const fast = { fixed: 100, perPromptToken: 0, perOutputToken: 10 };
  const failure = (error: string, totalMs: number) => {
    const { firstTokenMs: _, ...rest } = outcome("a");
    return { ...rest, ok: false, error, outputTokens: 0, totalMs };
  };

  test("one that failed fast is not fast", () => {
    const strategy = makeStrategy(latency, still);
    for (let round = 0; round < 30; round++) {
      strategy.onOutcome!(answer("a", { ...fast, fixed: 500 }, 100, 100));
      strategy.onOutcome!(answer("b", fast, 100, 100));
      strategy.onOutcome!(failure("unavailable", 1));
    }
    expect(order(strategy, pair)).toEqual(["b", "a"]);
  });

  test("one that did not begin in time is as slow as that", () => {
    const strategy = makeStrategy(latency, still);
    for (let round = 0; round < 10; round++) {
      strategy.onOutcome!(answer("a", fast, 100, 100));
      strategy.onOutcome!(answer("b", { ...fast, fixed: 900 }, 100, 100));
    }
    expect(order(strategy, pair)[0]).toBe("a");
    for (let round = 0; round < 3; round++) strategy.onOutcome!(failure("timeout", 60_000));
    expect(order(strategy, pair)[0]).toBe("b");
  });

  test("a target that was given too little time does not become the fastest by it", () => {
    const strategy = makeStrategy(latency, still);
    for (let round = 0; round < 10; round++) {
      strategy.onOutcome!(answer("a", { ...fast, fixed: 900 }, 100, 100));
      strategy.onOutcome!(answer("b", fast, 100, 100));
    }
    for (let round = 0; round < 50; round++) strategy.onOutcome!(failure("timeout", 1));
    expect(order(strategy, pair)[0]).toBe("b");
  });
});

test("what is outstanding at a target makes it slower", () => {
  const strategy = makeStrategy(latency, still);
  for (const id of ["a", "b"]) {
    strategy.onOutcome!(answer(id, { fixed: 100, perPromptToken: 0, perOutputToken: 10 }, 100, 100));
  }
  expect(order(strategy, [target("a", { outstandingTokens: 20_000 }), target("b")])[0]).toBe("b");
  expect(order(strategy, [target("a"), target("b", { outstandingTokens: 20_000 })])[0]).toBe("a");
});

test("the propensities are the chances to come first, and add up to one", () => {
  const targets = [target("a"), target("b"), target("c"), target("d")];
  const cases: readonly (readonly string[])[] = [[], ["a"], ["a", "b", "c", "d"]];
  for (const known of cases) {
    const strategy = makeStrategy(latency, { explore: 0.2 }, seededRandom(3));
    known.forEach((id, index) =>
      strategy.onOutcome!(
        answer(id, { fixed: 100 * (index + 1), perPromptToken: 0, perOutputToken: 1 }, 100, 100),
      )
    );
    const claimed = Object.fromEntries(
      strategy.rank(targets, request()).map(({ id, propensity }) => [id, propensity!]),
    );
    expect(Object.values(claimed).reduce((sum, chance) => sum + chance)).toBeCloseTo(1, 10);
    const seen = shares(strategy, targets, 20_000);
    for (const { id } of targets) expect(Math.abs(seen[id]! - claimed[id]!)).toBeLessThan(0.018);
  }
});

test("names that clients make up do not fill the memory, and the known stays known while it is used", () => {
  const strategy = makeStrategy(latency, still);
  strategy.onOutcome!(answer("a", { fixed: 5_000, perPromptToken: 0, perOutputToken: 1 }, 100, 100));
  for (let count = 0; count < 5_000; count++) {
    strategy.onOutcome!(outcome(`made-up-${count}`));
    if (count % 100 === 0) order(strategy, [target("a"), target("b")]);
  }
  expect(order(strategy, [target("a"), target("b")])).toEqual(["b", "a"]);
  expect(strategy.rank([target("made-up-0")], request())[0]?.score).toBeCloseTo(0);
});

test("answers that came whole teach their own time and do not blur the streamed ones", () => {
  const strategy = makeStrategy(latency, still);
  for (let round = 0; round < 30; round++) {
    strategy.onOutcome!(answer("a", { fixed: 100, perPromptToken: 0, perOutputToken: 50 }, 100, 100 + round));
    strategy.onOutcome!(answer("b", { fixed: 100, perPromptToken: 0, perOutputToken: 20 }, 100, 100 + round));
  }
  for (let round = 0; round < 60; round++) {
    const { firstTokenMs: _none, ...whole } = outcome("a", {
      promptTokens: 100,
      outputTokens: 9,
      totalMs: 450,
    });
    strategy.onOutcome!(whole);
  }
  const long = request({ promptTokens: 100, outputTokens: 500, stream: true });
  expect(order(strategy, pair, long)).toEqual(["b", "a"]);
  const [, slow] = strategy.rank(pair, long);
  expect(-slow!.score!).toBeGreaterThan(20_000);
});
