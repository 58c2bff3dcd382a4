import { describe, expect, test } from "bun:test";
import type { ApiError } from "../../lib/api-error.ts";
import type { Price } from "../../lib/price.ts";
import { type Budget, budgetSchema, type Limits } from "../../schema/account.ts";
import { principal } from "../../../test/support/account-fixtures.ts";
import { FakeClock } from "../../../test/support/fake-clock.ts";
import type { BudgetAlert } from "./budget-usage.ts";
import type { ExpectedUse } from "./contracts.ts";
import { Limiter } from "./limiter.ts";
import type { MeteredTarget, RequestMeter } from "./request-meter.ts";

const day = 24 * 60 * 60 * 1000;
const price: Price = {
  input: 0,
  output: 0,
  cachedInput: undefined,
  cacheWrite: undefined,
  perRequest: 1,
  tiers: [],
  version: "test",
};
const target: MeteredTarget = { id: "cloud/m", maxOutputTokens: 100, price };
const dollar = 1_000_000_000;

function setUp(accounts: Record<string, { limits?: Limits; budget?: Partial<Budget> }> = {}) {
  const clock = new FakeClock();
  const alerts: [string, BudgetAlert][] = [];
  const spent: { scope: string; period: string; nanodollars: number }[] = [];
  const limiter = new Limiter({
    clock,
    spent: (scope) => spent.filter((sum) => sum.scope === scope),
    onAlert: (scope, alert) => alerts.push([scope, alert]),
  });
  const caller = principal({
    id: "app",
    team: accounts["team:core"] === undefined ? undefined : "core",
    accounts: Object.entries(accounts).filter(([scope]) => scope !== "*").map((
      [scope, { limits, budget }],
    ) => ({
      scope,
      limits,
      budget: budget && budgetSchema.parse(budget),
    })),
  });
  const everybody = accounts["*"];
  limiter.configure({
    limits: everybody?.limits,
    budget: everybody?.budget && budgetSchema.parse(everybody.budget),
    models: new Map([["cloud/m", { requests_per_minute: 1_000 }]]),
  });
  const admit = (use: Partial<ExpectedUse> = {}): RequestMeter => {
    const meter = limiter.admit(caller, {
      model: "fast",
      promptTokens: 10,
      mostPromptTokens: () => use.promptTokens ?? 10,
      outputTokens: 10,
      choices: 1,
      isFree: false,
      arrivedAt: clock.now(),
      ...use,
    });
    if (meter instanceof Promise) throw new Error("a single node needs no waiting");
    return meter;
  };
  const reserve = (meter: RequestMeter, at: MeteredTarget = target) => {
    const reserved = meter.reserve(at);
    if (reserved instanceof Promise) throw new Error("a single node needs no waiting");
    return "refusal" in reserved ? reserved.refusal.code : reserved.nanodollars;
  };
  const refusal = (use: Partial<ExpectedUse> = {}): ApiError | undefined => {
    try {
      admit(use).settle(0, 0);
      return undefined;
    } catch (error) {
      return error as ApiError;
    }
  };
  return { clock, limiter, caller, admit, reserve, refusal, alerts, spent };
}

describe("a hard budget", () => {
  test("is never exceeded by requests that run at once", () => {
    const { admit, reserve } = setUp({ "key:app": { budget: { total_usd: 3 } } });
    const meters = Array.from({ length: 5 }, () => admit());
    expect(meters.map((meter) => reserve(meter))).toEqual([
      dollar,
      dollar,
      dollar,
      "insufficient_quota",
      "insufficient_quota",
    ]);
    meters[0]!.settle(10, dollar);
    meters[1]!.settle(0, 0);
    expect(reserve(meters[3]!)).toBe(dollar);
    expect(reserve(meters[4]!)).toBe("insufficient_quota");
  });

  test("is released however often a request is settled, and once", () => {
    const { admit, reserve, limiter, caller } = setUp({ "key:app": { budget: { total_usd: 3 } } });
    const meter = admit();
    reserve(meter);
    reserve(meter);
    expect(limiter.standing(caller)).toMatchObject([{ reserved: 1, used: 0 }]);
    meter.settle(5, dollar / 2);
    meter.settle(5, dollar / 2);
    expect(limiter.standing(caller)).toMatchObject([{ reserved: 0, used: 0.5 }]);
  });

  test("begins anew with its period, where the rows that belong to the old one do not count", async () => {
    const { admit, reserve, clock, limiter, caller } = setUp({ "key:app": { budget: { daily_usd: 1 } } });
    const late = admit();
    reserve(late);
    await clock.advance(day);
    expect(reserve(admit())).toBe("insufficient_quota");
    late.settle(1, dollar);
    expect(limiter.standing(caller)).toMatchObject([{ used: 0, reserved: 0 }]);
    expect(reserve(admit())).toBe(dollar);
  });

  test("goes on where the books are", () => {
    const { admit, reserve, spent } = setUp({ "key:app": { budget: { total_usd: 3 } } });
    spent.push({ scope: "key:app", period: "total", nanodollars: 2.5 * dollar });
    expect(reserve(admit())).toBe("insufficient_quota");
  });

  test("pays nothing of unknown price, and everything that is free", () => {
    const { admit, reserve } = setUp({ "key:app": { budget: { total_usd: 0 } } });
    expect(reserve(admit(), { ...target, price: undefined })).toBe("price_unknown");
    expect(reserve(admit(), { ...target, price: { ...price, perRequest: 0 } })).toBe(0);
    expect(reserve(admit({ isFree: true }))).toBe(0);
  });

  test("sets the longest answer aside, of every choice, and limits one that nobody else does", () => {
    const { admit } = setUp({ "key:app": { budget: { total_usd: 1_000 } } });
    const tokens = { ...price, perRequest: undefined, input: 1, output: 2 };
    const reserved = (use: Partial<ExpectedUse>, maxOutputTokens?: number) =>
      admit(use).reserve({ ...target, price: tokens, maxOutputTokens });
    expect(reserved({})).toEqual({ nanodollars: 30_000, outputTokens: undefined });
    expect(reserved({ choices: 3 })).toEqual({ nanodollars: 70_000, outputTokens: undefined });
    expect(reserved({ outputTokens: undefined }, 100)).toEqual({
      nanodollars: 210_000,
      outputTokens: undefined,
    });
    expect(reserved({ outputTokens: undefined })).toEqual({ nanodollars: 32_778_000, outputTokens: 16_384 });
  });

  test("of every account must hold", () => {
    const { admit, reserve } = setUp({
      "key:app": { budget: { total_usd: 100 } },
      "team:core": { budget: { total_usd: 2 } },
      "*": { budget: { monthly_usd: 1 } },
    });
    expect([reserve(admit()), reserve(admit())]).toEqual([dollar, "insufficient_quota"]);
  });
});

test("alerts are given once for each share and period", async () => {
  const { admit, alerts, clock } = setUp({ "key:app": { budget: { daily_usd: 10, alerts: [0.5, 0.8, 1] } } });
  const spend = (dollars: number) => admit().settle(1, dollars * dollar);
  for (const dollars of [4, 2, 1, 3, 5]) spend(dollars);
  expect(alerts.map(([, { threshold }]) => threshold)).toEqual([0.5, 1]);
  await clock.advance(day);
  spend(9);
  expect(alerts.map(([scope, { threshold, period }]) => [scope, threshold, period]).at(-1))
    .toEqual(["key:app", 0.8, "day"]);
});

test("alerts that an earlier process has given are not given again", () => {
  const { admit, alerts, spent } = setUp({ "key:app": { budget: { total_usd: 10 } } });
  spent.push({ scope: "key:app", period: "total", nanodollars: 9 * dollar });
  admit().settle(1, 0.5 * dollar);
  expect(alerts).toEqual([]);
  admit().settle(1, 0.5 * dollar);
  expect(alerts).toHaveLength(1);
});

describe("limits", () => {
  test("of requests, with the time to wait", async () => {
    const { admit, refusal, clock } = setUp({ "key:app": { limits: { requests_per_minute: 2 } } });
    admit();
    admit();
    const error = refusal()!;
    expect([error.status, error.type, error.code]).toEqual([429, "requests", "rate_limit_exceeded"]);
    await clock.advance(error.retryAfterMs!);
    expect(refusal()).toBeUndefined();
  });

  test("of tokens count what was really used", () => {
    const { admit, refusal } = setUp({ "key:app": { limits: { tokens_per_minute: 100 } } });
    admit({ outputTokens: 80 }).settle(20, 0);
    expect(refusal({ outputTokens: 71 })?.type).toBe("tokens");
    expect(refusal({ outputTokens: 70 })).toBeUndefined();
    expect(refusal({ outputTokens: 91 })?.shouldRetry).toBe(false);
  });

  test("of requests at once are freed by the end of one, and by nothing else", () => {
    const { admit, refusal } = setUp({ "key:app": { limits: { concurrent_requests: 1 } } });
    const meter = admit();
    expect(refusal()?.code).toBe("rate_limit_exceeded");
    meter.settle(0, 0);
    meter.settle(0, 0);
    expect(refusal()).toBeUndefined();
    admit();
    expect(refusal()?.code).toBe("rate_limit_exceeded");
  });

  test("that are refused take nothing of the others", () => {
    const { admit, refusal } = setUp({
      "key:app": { limits: { requests_per_minute: 5 } },
      "team:core": { limits: { tokens_per_minute: 50 } },
    });
    for (let index = 0; index < 10; index++) expect(refusal({ outputTokens: 100 })?.type).toBe("tokens");
    for (let index = 0; index < 5; index++) admit({ promptTokens: 0, outputTokens: 0 });
    expect(refusal({ promptTokens: 0, outputTokens: 0 })?.type).toBe("requests");
  });

  test("of a model are taken when it is tried, and given back when another is", () => {
    const { limiter, caller, admit, reserve } = setUp();
    limiter.configure({
      limits: undefined,
      budget: undefined,
      models: new Map([["cloud/m", { concurrent_requests: 1 }]]),
    });
    const [first, second] = [admit(), admit()];
    expect(reserve(first)).toBe(dollar);
    expect(reserve(second)).toBe("rate_limit_exceeded");
    expect(reserve(first, { ...target, id: "cloud/other" })).toBe(dollar);
    expect(reserve(second)).toBe(dollar);
    expect(caller.id).toBe("app");
  });

  test("hold over a change of the configuration", () => {
    const { limiter, admit, refusal } = setUp({ "key:app": { limits: { requests_per_minute: 1 } } });
    admit();
    limiter.configure({ limits: { requests_per_day: 1_000 }, budget: undefined, models: new Map() });
    expect(refusal()?.code).toBe("rate_limit_exceeded");
  });
});
