import type { Limits } from "../../schema/account.ts";
import type { SharedLimits } from "../shared/shared-limits.ts";
import type { BudgetUsage } from "./budget-usage.ts";
import type { RateUsage, TightestLimits } from "./rate-usage.ts";

/** What one request is expected to take. */
export interface ExpectedUse {
  /** The name that the client asked for. */
  readonly model: string;
  /** Estimated; 0 for what is not about tokens. */
  readonly promptTokens: number;
  /** Tokens that the prompt will hardly exceed; made when first asked for. */
  mostPromptTokens(): number;
  /** Most tokens of the answer, when the request says; 0 for what has no answer of tokens. */
  readonly outputTokens: number | undefined;
  /** Answers that are asked for at once. */
  readonly choices: number;
  /** Backends take no money for it. */
  readonly isFree: boolean;
  /** Arrival, in milliseconds since the epoch. */
  readonly arrivedAt: number;
}

/** An account together with what it has used. */
export interface MeteredAccount {
  /** As in the books. */
  readonly scope: string;
  readonly limits: Limits | undefined;
  readonly rate: RateUsage;
  /** Absent without a budget. */
  readonly money: BudgetUsage | undefined;
}

/** What the meter of one request asks of what all requests share. */
export interface SharedMeters {
  /** Limits that other nodes share. */
  readonly shared: SharedLimits | undefined;
  /** A model with limits of its own. */
  modelOf(name: string): MeteredAccount | undefined;
  /** Of all limits of these accounts those of which the least is left. */
  tightestOf(accounts: readonly MeteredAccount[]): TightestLimits;
  /**
   * Adds what a request has cost to every budget that it concerns.
   *
   * @param arrivedAt when the request arrived, in milliseconds since the epoch.
   */
  spend(scopes: readonly string[], nanodollars: number, arrivedAt: number): void;
}
