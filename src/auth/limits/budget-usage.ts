import { toDollars, toNanodollars } from "../../lib/money.ts";
import { periodEnd, type PeriodKind, periodKinds, periodOf, periodStart } from "../../lib/period.ts";
import type { Budget, LimitStand } from "../../schema/account.ts";

export const limitNames = { day: "daily_usd", month: "monthly_usd", total: "total_usd" } as const;

/** A budget that a request does not fit into. */
export interface BudgetExcess {
  readonly period: PeriodKind;
  /** All in nanodollars. */
  readonly limit: number;
  readonly spent: number;
  readonly reserved: number;
  readonly asked: number;
  /** Milliseconds until the period ends; Infinity for `total`. */
  readonly endsInMs: number;
}

/** A share of a budget that has been reached. */
export interface BudgetAlert {
  readonly period: PeriodKind;
  /** Such as `2026-11`. */
  readonly periodName: string;
  /** 0.8 for 80 %. */
  readonly threshold: number;
  /** Nanodollars. */
  readonly limit: number;
  readonly spent: number;
}

interface PeriodState {
  readonly name: string;
  readonly startsAt: number;
  readonly endsAt: number;
  spent: number;
  /** The highest share that an alert was given for, or that had been reached before this process began. */
  alerted: number | undefined;
  /** Nanodollars below which no alert can be due. */
  nextAlertAt: number;
}

/**
 * What one account has spent in the running periods, and what is set aside for requests that run. All amounts are whole nanodollars;
 * times are of the wall clock, since budgets go by the calendar.
 */
export class BudgetUsage {
  #budget: Budget;
  readonly #others: (period: string) => number;
  readonly #periods = new Map<PeriodKind, PeriodState>();
  #reserved = 0;

  /** @param others what other nodes have spent in a period, in nanodollars. */
  constructor(budget: Budget, others: (period: string) => number = () => 0) {
    this.#budget = budget;
    this.#others = others;
  }

  get budget(): Budget {
    return this.#budget;
  }

  /** It may change while the account goes on spending. */
  set budget(budget: Budget) {
    if (budget === this.#budget) return;
    this.#budget = budget;
    for (const state of this.#periods.values()) state.nextAlertAt = 0;
  }

  /** Takes over what the books say of the running period. */
  load(kind: PeriodKind, nanodollars: number, now: number): void {
    this.#period(kind, now).spent = nanodollars;
  }

  get reserved(): number {
    return this.#reserved;
  }

  /** Milliseconds until a period ends. */
  endsInMs(kind: PeriodKind, now: number): number {
    return this.#period(kind, now).endsAt - now;
  }

  spent(kind: PeriodKind, now: number): number {
    return this.#period(kind, now).spent;
  }

  /** The first limit that the amount does not fit into. Nothing always fits: it costs nothing. */
  excess(amount: number, now: number): BudgetExcess | undefined {
    if (amount === 0) return undefined;
    for (const kind of periodKinds) {
      const dollars = this.#budget[limitNames[kind]];
      if (dollars === undefined) continue;
      const limit = toNanodollars(dollars);
      const { spent, endsAt } = this.#period(kind, now);
      if (spent + this.#reserved + amount > limit) {
        return {
          period: kind,
          limit,
          spent,
          reserved: this.#reserved,
          asked: amount,
          endsInMs: endsAt - now,
        };
      }
    }
    return undefined;
  }

  /** How every limit stands, in US dollars. */
  standing(now: number): Omit<LimitStand, "account">[] {
    return periodKinds.flatMap((kind) => {
      const most = this.#budget[limitNames[kind]];
      if (most === undefined) return [];
      const { spent, name } = this.#period(kind, now);
      const used = toDollars(spent + this.#others(name));
      return [{ limit: limitNames[kind], most, used, reserved: toDollars(this.#reserved) }];
    });
  }

  reserve(amount: number): void {
    this.#reserved += amount;
  }

  release(amount: number): void {
    this.#reserved -= amount;
  }

  /**
   * Adds what a request has cost, and tells which shares of the budget have been reached by it.
   *
   * @param arrivedAt when the request arrived: it belongs to that period, as in the books.
   */
  spend(amount: number, arrivedAt: number, now: number): BudgetAlert[] {
    const alerts: BudgetAlert[] = [];
    for (const kind of periodKinds) {
      const state = this.#period(kind, now);
      // It belongs to a period that is over. (With a clock that was set back the running one has not even begun, and counts.)
      if (arrivedAt < state.startsAt && now >= state.startsAt) continue;
      state.spent += amount;
      const spent = state.spent + this.#others(state.name);
      if (spent < state.nextAlertAt) continue;
      const alert = this.#alertOf(kind, state, spent, spent - amount);
      if (alert !== undefined) alerts.push(alert);
    }
    return alerts;
  }

  /** The share that has been reached, if no alert was given for it yet; sets when to look again. */
  #alertOf(kind: PeriodKind, state: PeriodState, spent: number, before: number): BudgetAlert | undefined {
    const dollars = this.#budget[limitNames[kind]];
    const limit = toNanodollars(dollars ?? 0);
    const shares = dollars === undefined ? [] : this.#budget.alerts;
    const reached = (spent: number) => Math.max(0, ...shares.filter((share) => spent >= share * limit));
    state.alerted ??= before === 0 ? 0 : reached(before);
    const former = state.alerted;
    state.alerted = Math.max(former, reached(spent));
    state.nextAlertAt = Math.min(...shares.filter((share) => share > state.alerted!)) * limit;
    return state.alerted === former
      ? undefined
      : { period: kind, periodName: state.name, threshold: state.alerted, limit, spent };
  }

  #period(kind: PeriodKind, now: number): PeriodState {
    let state = this.#periods.get(kind);
    if (state === undefined || now >= state.endsAt) {
      state = {
        name: periodOf(kind, now),
        startsAt: periodStart(kind, now),
        endsAt: periodEnd(kind, now),
        spent: 0,
        alerted: undefined,
        nextAlertAt: 0,
      };
      this.#periods.set(kind, state);
    }
    return state;
  }
}
