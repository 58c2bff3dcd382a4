import type { PluginHost } from "../api/host.ts";
import type {
  RankedTarget,
  Strategy,
  StrategyOutcome,
  StrategyRequest,
  StrategyTarget,
} from "../api/strategy.ts";
import { type Skips, type TestFunctions, withSkips } from "./test-functions.ts";

export interface StrategyKitOptions {
  /** Makes a strategy that takes time and chance from this host and nowhere else. */
  make(host: Pick<PluginHost, "now" | "random">): Strategy | Promise<Strategy>;
  readonly skip?: Skips;
}

/** The contract of `Strategy`: every implementation must pass it. */
export function testStrategy(functions: TestFunctions, options: StrategyKitOptions): void {
  const { expect } = functions;
  const { test, checkSkips } = withSkips(functions, options.skip);

  functions.describe("strategy contract", () => {
    const withStrategy = (body: (strategy: Strategy, random: () => number) => void) => async () => {
      const host = hostOf(1);
      const strategy = await options.make(host);
      try {
        body(strategy, seededRandom(2));
      } finally {
        await strategy.close?.();
      }
    };

    test(
      "only targets that it was given are ranked, and none twice",
      withStrategy((strategy, random) => {
        for (const count of counts) {
          for (let round = 0; round < 20; round++) {
            const targets = targetsOf(count, random);
            const ids = strategy.rank(targets, requestOf(round, random)).map(({ id }) => id);
            const known = new Set(targets.map(({ id }) => id));
            expect(ids.filter((id) => !known.has(id))).toEqual([]);
            expect(new Set(ids).size).toBe(ids.length);
          }
        }
      }),
    );

    test(
      "a single target is ranked",
      withStrategy((strategy, random) => {
        expect(strategy.rank(targetsOf(1, random), requestOf(0, random)).map(({ id }) => id)).toEqual([
          targetId(0),
        ]);
      }),
    );

    test(
      "no target at all is no error",
      withStrategy((strategy, random) => {
        expect(strategy.rank([], requestOf(0, random))).toEqual([]);
      }),
    );

    test(
      "targets of weight 0, unknown price or great load are no error",
      withStrategy((strategy, random) => {
        const odd = {
          weight: 0,
          inputPrice: undefined,
          outputPrice: undefined,
          outstandingRequests: 100_000,
          outstandingTokens: 1e9,
        };
        for (const count of counts) {
          const ranked = strategy.rank(
            targetsOf(count, random).map((target) => ({ ...target, ...odd })),
            requestOf(0, random),
          );
          expect(ranked.length).toBeLessThanOrEqual(count);
          for (const entry of ranked) expectNumbers(entry);
        }
      }),
    );

    test(
      "requests of any size are ranked",
      withStrategy((strategy, random) => {
        for (const promptTokens of [0, 1, 1e7]) {
          for (const outputTokens of [0, 1, 1e6]) {
            const request = { ...requestOf(0, random), promptTokens, outputTokens, prompt: () => "" };
            for (const entry of strategy.rank(targetsOf(3, random), request)) expectNumbers(entry);
          }
        }
      }),
    );

    test(
      "scores are finite, and propensities are chances",
      withStrategy((strategy, random) => {
        for (let round = 0; round < 100; round++) {
          const targets = targetsOf(1 + round % 32, random);
          const ranked = strategy.rank(targets, requestOf(round, random));
          ranked.forEach(expectNumbers);
          if (ranked[0] !== undefined) strategy.onOutcome?.(outcomeOf(ranked[0].id, round, random));
        }
      }),
    );

    test(
      "what it is given is left as it was",
      withStrategy((strategy, random) => {
        const targets = deepFreeze(targetsOf(8, random));
        const request = Object.freeze(requestOf(0, random));
        strategy.rank(targets, request);
        strategy.onOutcome?.(Object.freeze(outcomeOf(targets[0]!.id, 0, random)));
        strategy.rank(targets, request);
      }),
    );

    test(
      "the answer is not changed afterwards",
      withStrategy((strategy, random) => {
        const first = strategy.rank(targetsOf(8, random), requestOf(0, random));
        const copy = first.map((entry) => ({ ...entry }));
        strategy.rank(targetsOf(5, random), requestOf(1, random));
        expect(first).toEqual(copy);
      }),
    );

    test("the same time and chance give the same answers", async () => {
      const run = async () => {
        const host = hostOf(3);
        const random = seededRandom(4);
        const strategy = await options.make(host);
        const answers: (readonly RankedTarget[])[] = [];
        for (let round = 0; round < 50; round++) {
          const ranked = strategy.rank(targetsOf(1 + round % 32, random), requestOf(round, random));
          answers.push(ranked.map((entry) => ({ ...entry })));
          if (ranked[0] !== undefined) strategy.onOutcome?.(outcomeOf(ranked[0].id, round, random));
        }
        await strategy.close?.();
        return answers;
      };
      expect(await run()).toEqual(await run());
    });

    test(
      "outcomes of every kind are taken, also of targets that it never saw",
      withStrategy((strategy, random) => {
        for (
          const error of [
            undefined,
            "timeout",
            "rate_limited",
            "unavailable",
            "auth",
            "cancelled",
            "something-new",
          ]
        ) {
          for (const id of [targetId(0), "never/seen"]) {
            const { error: _, firstTokenMs: __, ...outcome } = outcomeOf(id, 0, random);
            strategy.onOutcome?.({
              ...outcome,
              ok: error === undefined,
              ...(error === undefined ? { firstTokenMs: 0 } : { error }),
            });
            strategy.onOutcome?.({ ...outcome, ok: false, promptTokens: 0, outputTokens: 0, totalMs: 0 });
          }
        }
        expect(strategy.rank(targetsOf(1, random), requestOf(0, random))).toHaveLength(1);
      }),
    );

    test(
      "outcomes may come long after, and in any order",
      withStrategy((strategy, random) => {
        const outcomes = Array.from({ length: 50 }, (_, round) => {
          const targets = targetsOf(4, random);
          const first = strategy.rank(targets, requestOf(round, random))[0];
          return outcomeOf(first?.id ?? targetId(0), round, random);
        });
        for (const outcome of outcomes.reverse()) strategy.onOutcome?.(outcome);
        expect(strategy.rank(targetsOf(1, random), requestOf(0, random))).toHaveLength(1);
      }),
    );

    checkSkips();

    function expectNumbers({ score = 0, propensity = 0 }: RankedTarget): void {
      expect(Number.isFinite(score)).toBe(true);
      expect(propensity >= 0 && propensity <= 1).toBe(true);
    }
  });
}

const counts = [1, 2, 3, 8, 32];

function targetId(index: number): string {
  return `provider-${index % 3}/org/model:${index}`;
}

function targetsOf(count: number, random: () => number): StrategyTarget[] {
  return Array.from({ length: count }, (_, index) => ({
    id: targetId(index),
    provider: `provider-${index % 3}`,
    model: `org/model:${index}`,
    weight: index === 0 ? 1 : Math.floor(random() * 4),
    outstandingRequests: Math.floor(random() * 10),
    outstandingTokens: Math.floor(random() * 50_000),
    inputPrice: random() < 0.3 ? undefined : random() * 5,
    outputPrice: random() < 0.3 ? undefined : random() * 20,
  }));
}

function requestOf(round: number, random: () => number): StrategyRequest {
  const prompt = `\u0000system\u0000${"You are brief. ".repeat(300)}\u0000user\u0000Question ${round % 7}`;
  return {
    route: "route",
    promptTokens: Math.ceil(prompt.length / 4),
    outputTokens: 1 + Math.floor(random() * 512),
    maxOutputTokens: round % 4 === 0 ? undefined : 1_000,
    stream: round % 2 === 0,
    user: round % 3 === 0 ? undefined : `user-${round % 5}`,
    principal: `principal-${round % 4}`,
    header: (name) => name === "x-session" ? `session-${round % 6}` : undefined,
    prompt: () => prompt,
  };
}

function outcomeOf(id: string, round: number, random: () => number): StrategyOutcome {
  const ok = random() < 0.9;
  const firstTokenMs = 20 + random() * 500;
  const request = requestOf(round, random);
  return {
    id,
    ok,
    ...(ok ? { firstTokenMs } : { error: "unavailable" }),
    promptTokens: request.promptTokens,
    outputTokens: ok ? Math.floor(random() * 500) : 0,
    totalMs: firstTokenMs + random() * 5_000,
    request,
  };
}

function deepFreeze<T extends object>(values: T[]): readonly T[] {
  values.forEach((value) => Object.freeze(value));
  return Object.freeze(values);
}

function hostOf(seed: number): Pick<PluginHost, "now" | "random"> {
  return { now: () => 1_700_000_000_000, random: seededRandom(seed) };
}

/** Mulberry32: small, and the same everywhere. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
