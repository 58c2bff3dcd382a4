import { ApiError } from "../../lib/api-error.ts";
import { toNanodollars } from "../../lib/money.ts";
import { periodKinds, periodOf } from "../../lib/period.ts";
import type { MeteredAccount } from "../limits/contracts.ts";
import { limitNames } from "../limits/budget-usage.ts";
import { type RateAmounts, rateWindows } from "../limits/rate-usage.ts";
import { budgetExceeded, rateExceeded } from "../limits/refusals.ts";
import { type SharedRefusal, type SharedWish, spendingKeptMs, spendingName } from "./shared-limits.ts";

/** A wish that knows what to say when it is not granted. */
export interface AccountWish extends SharedWish {
  refuse(taken: number | undefined, now: number): ApiError;
}

const hourMs = 3_600_000;

/** What a request would take of the rates of accounts. */
export function rateWishes(accounts: readonly MeteredAccount[], amounts: RateAmounts): AccountWish[] {
  return accounts.flatMap(({ scope, limits }) => {
    if (limits === undefined) return [];
    const wishes: AccountWish[] = [];
    for (const [name, { unit, windowMs, name: what }] of Object.entries(rateWindows)) {
      const limit = limits[name as keyof typeof rateWindows];
      if (limit === undefined) continue;
      const asked = amounts[unit];
      wishes.push({
        unit,
        limit: {
          name: `${scope}:${name}`,
          limit,
          windowMs,
          keepMs: 2 * windowMs,
          survives: false,
          endsWithNode: false,
        },
        amount: asked,
        alone: "share",
        refuse: (taken, now) =>
          rateExceeded(scope, {
            unit,
            what,
            limit,
            used: Math.round(taken ?? limit),
            asked,
            waitMs: asked > limit ? Infinity : taken === undefined ? 1_000 : windowMs - (now % windowMs),
          }),
      });
    }
    const { concurrent_requests: most } = limits;
    if (most !== undefined && amounts.requests > 0) {
      const what = "concurrent requests";
      wishes.push({
        unit: "concurrent",
        limit: {
          name: `${scope}:concurrent_requests`,
          limit: most,
          windowMs: undefined,
          keepMs: hourMs,
          survives: false,
          endsWithNode: true,
        },
        amount: 1,
        alone: "share",
        refuse: (taken) =>
          rateExceeded(scope, {
            unit: what,
            what,
            limit: most,
            used: taken ?? most,
            asked: 1,
            waitMs: undefined,
          }),
      });
    }
    return wishes;
  });
}

/** What a request would take of the hard budgets of accounts, in nanodollars. */
export function moneyWishes(accounts: readonly MeteredAccount[], amount: number, now: number): AccountWish[] {
  if (amount === 0) return [];
  return accounts.flatMap(({ scope, money }) => {
    if (money === undefined || money.budget.mode === "soft") return [];
    return periodKinds.flatMap((kind): AccountWish[] => {
      const dollars = money.budget[limitNames[kind]];
      if (dollars === undefined) return [];
      const limit = toNanodollars(dollars);
      return [{
        unit: "money",
        limit: {
          name: spendingName(scope, periodOf(kind, now)),
          limit,
          windowMs: undefined,
          keepMs: spendingKeptMs,
          survives: true,
          endsWithNode: false,
        },
        amount,
        used: () => money.spent(kind, now) + money.reserved,
        alone: "closed",
        refuse: (taken) =>
          taken === undefined ? unknownBudget(scope) : budgetExceeded(scope, {
            period: kind,
            limit,
            spent: money.spent(kind, now) + taken,
            reserved: money.reserved,
            asked: amount,
            endsInMs: money.endsInMs(kind, now),
          }),
      }];
    });
  });
}

/** Nothing may be spent that nobody can tell whether it is there. */
function unknownBudget(scope: string): ApiError {
  return new ApiError({
    status: 503,
    code: "budget_unavailable",
    message: `What is left of the budget of ${
      scope.replace(":", " ")
    } is not known at the moment, because Redis does not answer.`,
    retryAfterMs: 1_000,
  });
}

export function refusalOf({ wish, taken }: SharedRefusal, now: number): ApiError {
  return (wish as AccountWish).refuse(taken, now);
}
