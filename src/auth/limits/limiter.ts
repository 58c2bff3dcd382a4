import { LRUCache } from "lru-cache";
import type { Clock } from "../../lib/clock.ts";
import { periodKinds, periodOf } from "../../lib/period.ts";
import type { Budget, Limits, LimitStand } from "../../schema/account.ts";
import type { ChargedAccount, Principal } from "../principal.ts";
import { type BudgetAlert, BudgetUsage } from "./budget-usage.ts";
import { type RateAmounts, RateUsage, type TightestLimits, type UsedByOthers } from "./rate-usage.ts";
import { rateExceeded, sizeOf, tooManyTokens } from "./refusals.ts";
import type { ExpectedUse, MeteredAccount, SharedMeters } from "./contracts.ts";
import type { SharedLimits, SharedUse } from "../shared/shared-limits.ts";
import { rateWishes, refusalOf } from "../shared/wishes.ts";
import { RequestMeter } from "./request-meter.ts";

/** What counts for everybody, and for single models. */
export interface GatewayLimits {
  readonly limits: Limits | undefined;
  readonly budget: Budget | undefined;
  /** By name as clients ask for it, or as `provider/model`. */
  readonly models: ReadonlyMap<string, Limits>;
}

export interface LimiterOptions {
  readonly clock: Clock;
  /** What the books say that a scope has spent in the running periods. */
  readonly spent: (scope: string) => Iterable<{ readonly period: string; readonly nanodollars: number }>;
  /** Limits and budgets that many nodes share; absent on a single one. */
  readonly shared?: SharedLimits | undefined;
  /** A share of a budget was reached; must not throw. */
  readonly onAlert: (scope: string, alert: BudgetAlert) => void;
}

/** Expected length of an answer when the request does not limit it, for limits of tokens; it is corrected at the end. */
const assumedOutputTokens = 1_024;
/** Accounts whose counters are kept; those who have not called for the longest time go first. */
const mostScopes = 200_000;

/** Counts, and limits nothing. */
const noBudget: Budget = { mode: "soft", alerts: [], on_exhaust: "reject" };

interface MeteredCaller {
  readonly accounts: readonly MeteredAccount[];
  /** Everybody whose money the caller's requests are. */
  readonly scopes: readonly string[];
}

/**
 * Limits and budgets of this process. What a request may take at most is set aside before it is sent and settled when it has ended, so
 * that no number of requests at once gets past a limit that each of them is within.
 */
export class Limiter implements SharedMeters {
  readonly #options: LimiterOptions;
  readonly #rates = new LRUCache<string, RateUsage>({ max: mostScopes });
  readonly #budgets = new Map<string, BudgetUsage>();
  #everybody: GatewayLimits = { limits: undefined, budget: undefined, models: new Map() };
  /** By principal: a changed account makes another one. */
  #callers = new WeakMap<Principal, MeteredCaller>();

  constructor(options: LimiterOptions) {
    this.#options = options;
  }

  configure(limits: GatewayLimits): void {
    this.#everybody = limits;
    this.#callers = new WeakMap();
  }

  /**
   * Lets a request in; at once, but where other nodes must be asked.
   *
   * @throws {ApiError} 429 when it is not within the limits of everybody whose request it is, 400 when it never could be.
   */
  admit(principal: Principal, use: ExpectedUse): RequestMeter | Promise<RequestMeter> {
    const { clock } = this.#options;
    const now = clock.monotonic();
    const { accounts, scopes } = this.callerOf(principal);
    const model = this.modelOf(use.model);
    const all = model === undefined ? accounts : [...accounts, model];
    const outputTokens = (use.outputTokens ?? assumedOutputTokens) * use.choices;
    const amounts = { requests: 1, tokens: use.promptTokens + outputTokens };
    for (const { scope, limits } of all) {
      const most = limits?.max_tokens_per_request;
      if (most !== undefined && sizeOf(use) > most) throw tooManyTokens(scope, most, sizeOf(use));
    }
    const begin = (uses: readonly SharedUse[]) => {
      checkRates(all, amounts, now);
      for (const { limits, rate } of all) if (limits !== undefined) rate.take(limits, amounts, now);
      return new RequestMeter(this, clock, {
        accounts: all,
        scopes,
        use,
        tokens: amounts.tokens,
        takenAt: now,
        uses,
      });
    };
    if (this.shared === undefined) return begin([]);
    // What this node has had alone needs nobody to be asked.
    checkRates(all, amounts, now);
    const taken = this.shared.take(rateWishes(all, amounts));
    if (!(taken instanceof Promise)) return begin(taken);
    return taken.then((uses) => {
      if ("wish" in uses) throw refusalOf(uses, clock.now());
      try {
        return begin(uses);
      } catch (error) {
        // Others have been let in while this one waited.
        this.shared!.correct(uses, ({ amount }) => -amount);
        throw error;
      }
    });
  }

  get shared(): SharedLimits | undefined {
    return this.#options.shared;
  }

  /** Everybody whose limits and budgets a caller's requests must be within. */
  callerOf(principal: Principal): MeteredCaller {
    let caller = this.#callers.get(principal);
    if (caller === undefined) {
      const { limits, budget } = this.#everybody;
      const everybody = limits === undefined && budget === undefined ? [] : [{ scope: "*", limits, budget }];
      const { id, team, organisation } = principal;
      caller = {
        accounts: [...principal.accounts, ...everybody].map((account) => this.#metered(account)),
        scopes: [
          "*",
          `key:${id}`,
          ...(team === undefined ? [] : [`team:${team}`]),
          ...(organisation === undefined ? [] : [`organisation:${organisation}`]),
        ],
      };
      this.#callers.set(principal, caller);
    }
    return caller;
  }

  /** A model with limits of its own. */
  modelOf(name: string): MeteredAccount | undefined {
    const limits = this.#everybody.models.get(name);
    return limits === undefined
      ? undefined
      : this.#metered({ scope: `model:${name}`, limits, budget: undefined });
  }

  /** Of all limits of these accounts those of which the least is left. */
  tightestOf(accounts: readonly MeteredAccount[]): TightestLimits {
    const now = this.#options.clock.monotonic();
    const tightest: TightestLimits = { requests: undefined, tokens: undefined };
    for (const { scope, limits, rate } of accounts) {
      if (limits !== undefined) rate.tightest(limits, now, this.#usedByOthers(scope), tightest);
    }
    return tightest;
  }

  /** Takes over what the books say, after somebody else has written to them. */
  reload(): void {
    for (const [scope, usage] of this.#budgets) this.#load(scope, usage);
  }

  /** How every limit and budget of a caller stands. */
  standing(principal: Principal): LimitStand[] {
    const { clock } = this.#options;
    return this.callerOf(principal).accounts.flatMap(({ scope, limits, rate, money }) =>
      [
        ...(limits === undefined ? [] : rate.standing(limits, clock.monotonic(), this.#usedByOthers(scope))),
        ...(money === undefined ? [] : money.standing(clock.now())),
      ].map((stand) => ({ account: scope, ...stand }))
    );
  }

  #usedByOthers(scope: string): UsedByOthers {
    const { shared } = this;
    return shared === undefined ? nobody : (limit) => shared.usedByOthers(`${scope}:${limit}`);
  }

  /** Adds what a request has cost to every budget that it concerns, and gives the alerts that this calls for. */
  spend(scopes: readonly string[], nanodollars: number, arrivedAt: number): void {
    if (nanodollars === 0) return;
    this.shared?.noteSpending(scopes);
    const now = this.#options.clock.now();
    for (const scope of scopes) {
      for (const alert of this.#budgets.get(scope)?.spend(nanodollars, arrivedAt, now) ?? []) {
        this.#options.onAlert(scope, alert);
      }
    }
  }

  #metered({ scope, limits, budget }: ChargedAccount): MeteredAccount {
    // A budget that was taken away may come back: it goes on counting.
    const former = budget === undefined ? this.#budgets.get(scope) : undefined;
    if (former !== undefined) former.budget = noBudget;
    let rate = this.#rates.get(scope);
    if (rate === undefined) {
      rate = new RateUsage();
      this.#rates.set(scope, rate);
    }
    return { scope, limits, rate, money: budget === undefined ? undefined : this.#budgetOf(scope, budget) };
  }

  /** Begins where the books are. */
  #budgetOf(scope: string, budget: Budget): BudgetUsage {
    const known = this.#budgets.get(scope);
    if (known !== undefined) {
      known.budget = budget;
      return known;
    }
    const { shared } = this;
    const usage = new BudgetUsage(budget, (period) => shared?.spentByOthers(scope, period) ?? 0);
    // Others may have spent while it had no budget.
    shared?.noteSpending([scope]);
    this.#load(scope, usage);
    this.#budgets.set(scope, usage);
    return usage;
  }

  #load(scope: string, usage: BudgetUsage): void {
    const now = this.#options.clock.now();
    const kinds = new Map(periodKinds.map((kind) => [periodOf(kind, now), kind]));
    for (const { period, nanodollars } of this.#options.spent(scope)) {
      const kind = kinds.get(period);
      if (kind !== undefined) usage.load(kind, nanodollars, now);
    }
  }
}

/** @throws {ApiError} 429 */
function checkRates(accounts: readonly MeteredAccount[], amounts: RateAmounts, now: number): void {
  for (const { scope, limits, rate } of accounts) {
    const excess = limits === undefined ? undefined : rate.excess(limits, amounts, now);
    if (excess !== undefined) throw rateExceeded(scope, excess);
  }
}

const nobody: UsedByOthers = () => 0;
