import type { LoadedSettings } from "../config/load-settings.ts";
import type { TargetStateSettings } from "../router/target-states.ts";

export function stateSettings({ settings }: LoadedSettings): TargetStateSettings {
  const { breaker, retry_budget: retryBudget, retry_budget_min: retryBudgetMin } = settings.routing;
  return {
    breaker: { failures: breaker.failures, openMs: breaker.open_ms, maxOpenMs: breaker.max_open_ms },
    retryBudget,
    retryBudgetMin,
  };
}
