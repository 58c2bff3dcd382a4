import { ApiError } from "../../lib/api-error.ts";
import type { Clock } from "../../lib/clock.ts";
import { type Price, worstCostOf } from "../../lib/price.ts";
import type { ExpectedUse, MeteredAccount, SharedMeters } from "./contracts.ts";
import type { SharedUse } from "../shared/shared-limits.ts";
import { moneyWishes, refusalOf } from "../shared/wishes.ts";
import type { LimitState } from "./rate-usage.ts";
import { budgetExceeded, priceUnknown, rateExceeded } from "./refusals.ts";

/** What a target costs and how much it can say. */
export interface MeteredTarget {
  /** `provider/model`. */
  readonly id: string;
  /** Tokens. */
  readonly maxOutputTokens: number | undefined;
  /** Undefined when unknown. */
  readonly price: Price | undefined;
}

/** What was set aside for an attempt. */
export interface Reservation {
  /** Undefined where the price is unknown. */
  readonly nanodollars: number | undefined;
  /**
   * Most tokens of the answer that this is enough for. Undefined where the answer needs no limit: no budget is hard, or the request or
   * the model has one.
   */
  readonly outputTokens: number | undefined;
}

/** Assumed when neither the request nor the model limits the answer and a hard budget must know; the request is then limited to it. */
const assumedLongestAnswer = 16_384;

/** What a request has taken when it was let in. */
export interface Admission {
  readonly accounts: readonly MeteredAccount[];
  /** Everybody whose money it is, as in the books. */
  readonly scopes: readonly string[];
  readonly use: ExpectedUse;
  /** Tokens that were taken of the accounts' limits. */
  readonly tokens: number;
  /** When; monotonic, in milliseconds. */
  readonly takenAt: number;
  /** What was taken of limits that other nodes share. */
  readonly uses: readonly SharedUse[];
}

type Reserved = Reservation | { readonly refusal: ApiError };

/** What one request takes of the limits and budgets of everybody whose it is. */
export class RequestMeter {
  readonly #shared: SharedMeters;
  readonly #clock: Clock;
  readonly #accounts: readonly MeteredAccount[];
  readonly #use: ExpectedUse;
  readonly #tokens: number;
  readonly #admission: Admission;
  #reserved = 0;
  /** What was taken of budgets that other nodes share. */
  #moneyUses: readonly SharedUse[] = [];
  #model: MeteredAccount | undefined;
  #modelTakenAt = 0;
  #settled = false;

  constructor(shared: SharedMeters, clock: Clock, admission: Admission) {
    this.#shared = shared;
    this.#clock = clock;
    this.#admission = admission;
    this.#accounts = admission.accounts;
    this.#use = admission.use;
    this.#tokens = admission.tokens;
  }

  /** The model that serves requests which a budget cannot pay, when an account names one. */
  get downgrade(): string | undefined {
    const account = this.#accounts.find(({ money }) => money?.budget.on_exhaust.startsWith("downgrade:"));
    return account?.money?.budget.on_exhaust.slice("downgrade:".length);
  }

  /**
   * Sets aside what an attempt at a target can cost at most, in the place of what was set aside for the attempt before.
   *
   * @returns the refusal when some budget cannot pay that, or the model's own limits are reached; nothing is then set aside.
   */
  reserve(target: MeteredTarget): Reserved | Promise<Reserved> {
    this.#release();
    const amount = this.#worstCase(target);
    const now = this.#clock.now();
    if (amount.nanodollars === undefined) {
      const hard = this.#accounts.find(({ money }) => money?.budget.mode === "hard");
      if (hard !== undefined) return { refusal: priceUnknown(hard.scope, target.id) };
    }
    const refusal = this.#excess(amount.nanodollars ?? 0);
    if (refusal !== undefined) return { refusal };
    const taken = this.#shared.shared?.take(moneyWishes(this.#accounts, amount.nanodollars ?? 0, now)) ?? [];
    if (!(taken instanceof Promise)) return this.#setAside(target, amount, taken);
    return taken.then((uses) =>
      "wish" in uses ? { refusal: refusalOf(uses, now) } : this.#setAside(target, amount, uses)
    );
  }

  #setAside(target: MeteredTarget, amount: Reservation, uses: readonly SharedUse[]): Reserved {
    // Another request may have been quicker while other nodes were asked.
    const excess = this.#excess(amount.nanodollars ?? 0);
    const refusal = excess ?? (this.#settled ? clientIsGone() : this.#takeOfModel(target.id));
    if (refusal !== undefined) {
      this.#shared.shared?.correct(uses, (use) => -use.amount);
      return { refusal };
    }
    this.#moneyUses = uses;
    this.#reserved = amount.nanodollars ?? 0;
    for (const { money } of this.#accounts) money?.reserve(this.#reserved);
    return amount;
  }

  #excess(nanodollars: number): ApiError | undefined {
    const now = this.#clock.now();
    for (const { scope, money } of this.#accounts) {
      if (money === undefined || money.budget.mode === "soft") continue;
      const excess = money.excess(nanodollars, now);
      if (excess !== undefined) return budgetExceeded(scope, excess);
    }
    return undefined;
  }

  /**
   * The request has ended. Once only; further calls change nothing.
   *
   * @param tokens all that were really used.
   * @param nanodollars what it really cost.
   */
  settle(tokens: number, nanodollars: number): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#release(tokens, nanodollars);
    const now = this.#clock.monotonic();
    for (const account of this.#accounts) {
      if (account.limits !== undefined) {
        account.rate.settle(account.limits, tokens - this.#tokens, this.#admission.takenAt, now);
      }
    }
    this.#shared.spend(this.#admission.scopes, nanodollars, this.#use.arrivedAt);
    this.#tellOthers(tokens);
  }

  /** The limit of requests and that of tokens of which the least is left, for the answer's headers. */
  states(): { readonly requests: LimitState | undefined; readonly tokens: LimitState | undefined } {
    const states = this.#accounts.flatMap((account) => this.#shared.limitsOf(account));
    const tightest = (unit: LimitState["unit"]) =>
      states.filter((state) => state.unit === unit)
        .reduce<LimitState | undefined>(
          (best, state) => best === undefined || state.remaining < best.remaining ? state : best,
          undefined,
        );
    return { requests: tightest("requests"), tokens: tightest("tokens") };
  }

  #tellOthers(tokens: number): void {
    const { shared } = this.#shared;
    if (shared === undefined) return;
    shared.correct(
      this.#admission.uses,
      ({ unit, amount }) => unit === "tokens" ? tokens - amount : unit === "concurrent" ? -amount : 0,
    );
  }

  #release(tokens = 0, nanodollars = 0): void {
    this.#shared.shared?.correct(this.#moneyUses, ({ amount }) => nanodollars - amount);
    this.#moneyUses = [];
    for (const { money } of this.#accounts) money?.release(this.#reserved);
    this.#reserved = 0;
    const model = this.#model;
    this.#model = undefined;
    model?.rate.settle(model.limits!, tokens - this.#tokens, this.#modelTakenAt, this.#clock.monotonic());
  }

  #takeOfModel(target: string): ApiError | undefined {
    if (target === this.#use.model) return undefined;
    const model = this.#shared.modelOf(target);
    if (model === undefined) return undefined;
    const now = this.#clock.monotonic();
    const amounts = { requests: 1, tokens: this.#tokens };
    const excess = model.rate.excess(model.limits!, amounts, now);
    if (excess !== undefined) return rateExceeded(model.scope, excess);
    model.rate.take(model.limits!, amounts, now);
    this.#model = model;
    this.#modelTakenAt = now;
    return undefined;
  }

  #worstCase(target: MeteredTarget): Reservation {
    const { promptTokens, outputTokens: asked, choices, isFree } = this.#use;
    if (isFree) return { nanodollars: 0, outputTokens: undefined };
    const longest = asked ?? target.maxOutputTokens ?? assumedLongestAnswer;
    const isBounded = asked !== undefined || target.maxOutputTokens !== undefined || !this.#hasHardBudget();
    return {
      nanodollars: worstCostOf(target.price, promptTokens, longest * choices, choices),
      outputTokens: isBounded ? undefined : longest,
    };
  }

  #hasHardBudget(): boolean {
    return this.#accounts.some(({ money }) => money?.budget.mode === "hard");
  }
}

/** Nobody waits for an answer any more. */
function clientIsGone(): ApiError {
  return new ApiError({ status: 499, code: "client_closed_request", message: "The request has ended." });
}
