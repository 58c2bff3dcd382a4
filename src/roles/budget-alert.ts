import type { LimiterOptions } from "../auth/limits/limiter.ts";
import { toDollars } from "../lib/money.ts";
import type { Alert } from "../telemetry/telemetry.ts";

type BudgetAlert = Parameters<LimiterOptions["onAlert"]>[1];

/** A budget has reached one of its thresholds. */
export function budgetAlert(
  account: string,
  { periodName, threshold, limit, spent }: BudgetAlert,
): Alert {
  return {
    kind: "budget",
    severity: threshold >= 1 ? "critical" : "warning",
    message: `The ${periodName} budget of ${account} has reached ${Math.round(threshold * 100)} %.`,
    attributes: {
      account,
      period: periodName,
      threshold,
      limit_usd: toDollars(limit),
      spent_usd: toDollars(spent),
    },
  };
}
