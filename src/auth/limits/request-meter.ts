import { ApiError } from "../../lib/api-error.ts";
import type { Clock } from "../../lib/clock.ts";
import { type Price, worstCostOf } from "../../lib/price.ts";
import type { ExpectedUse, MeteredAccount, SharedMeters } from "./contracts.ts";
import type { SharedUse } from "../shared/shared-limits.ts";
import { moneyWishes, rateWishes, refusalOf } from "../shared/wishes.ts";
import type { RateAmounts, TightestLimits } from "./rate-usage.ts";
import { budgetExceeded, priceUnknown, rateExceeded, sizeOf, tooManyTokens } from "./refusals.ts";

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
  #use: ExpectedUse;
  readonly #tokens: number;
  readonly #admission: Admission;
  #reserved = 0;
  /** What was taken of budgets, and of the target's own limits, that other nodes share. */
  #uses: readonly SharedUse[] = [];
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

  /** The request has changed since it was let in: what is set aside from now on is for this. */
  expect(use: ExpectedUse): void {
    this.#use = use;
  }

  /** The model that serves requests which a budget cannot pay, when an account names one. */
  get downgrade(): string | undefined {
    const account = this.#accounts.find(({ money }) => money?.budget.on_exhaust.startsWith("downgrade:"));
    return account?.money?.budget.on_exhaust.slice("downgrade:".length);
  }

  /**
   * Sets aside what an attempt at a target can cost at most, in the place of what was set aside for the attempt before.
   *
   * @param spent what attempts before have cost already, in nanodollars.
   * @returns the refusal when some budget cannot pay that, or the model's own limits are reached; nothing is then set aside.
   */
  reserve(target: MeteredTarget, spent = 0): Reserved | Promise<Reserved> {
    this.#release();
    const amount = this.#worstCase(target, spent);
    const now = this.#clock.now();
    if (amount.nanodollars === undefined) {
      const hard = this.#accounts.find(({ money }) => money?.budget.mode === "hard");
      if (hard !== undefined) return { refusal: priceUnknown(hard.scope, target.id) };
    }
    const refusal = this.#excess(amount.nanodollars ?? 0);
    if (refusal !== undefined) return { refusal };
    const model = target.id === this.#use.model ? undefined : this.#shared.modelOf(target.id);
    const tooMuch = model === undefined ? undefined : this.#excessOfModel(model);
    if (tooMuch !== undefined) return { refusal: tooMuch };
    const taken = this.#shared.shared?.take([
      ...moneyWishes(this.#accounts, amount.nanodollars ?? 0, now),
      ...(model === undefined ? [] : rateWishes([model], this.#amounts())),
    ]) ?? [];
    if (!(taken instanceof Promise)) return this.#setAside(amount, model, taken);
    return taken.then((uses) =>
      "wish" in uses ? { refusal: refusalOf(uses, now) } : this.#setAside(amount, model, uses)
    );
  }

  #setAside(amount: Reservation, model: MeteredAccount | undefined, uses: readonly SharedUse[]): Reserved {
    // Another request may have been quicker while other nodes were asked.
    const excess = this.#excess(amount.nanodollars ?? 0) ?? (model && this.#excessOfModel(model));
    const refusal = excess ?? (this.#settled ? clientIsGone() : undefined);
    if (refusal !== undefined) {
      this.#shared.shared?.correct(uses, (use) => -use.amount);
      return { refusal };
    }
    this.#uses = uses;
    this.#reserved = amount.nanodollars ?? 0;
    for (const { money } of this.#accounts) money?.reserve(this.#reserved);
    this.#model = model;
    this.#modelTakenAt = this.#clock.monotonic();
    model?.rate.take(model.limits!, this.#amounts(), this.#modelTakenAt);
    return amount;
  }

  #amounts(): RateAmounts {
    return { requests: 1, tokens: this.#tokens };
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
  states(): TightestLimits {
    return this.#shared.tightestOf(this.#accounts);
  }

  #tellOthers(tokens: number): void {
    this.#shared.shared?.correct(this.#admission.uses, (use) => differenceOf(use, tokens));
  }

  #release(tokens = 0, nanodollars = 0): void {
    this.#shared.shared?.correct(
      this.#uses,
      (use) => use.unit === "money" ? nanodollars - use.amount : differenceOf(use, tokens),
    );
    this.#uses = [];
    for (const { money } of this.#accounts) money?.release(this.#reserved);
    this.#reserved = 0;
    const model = this.#model;
    this.#model = undefined;
    model?.rate.settle(model.limits!, tokens - this.#tokens, this.#modelTakenAt, this.#clock.monotonic());
  }

  #excessOfModel({ scope, limits, rate }: MeteredAccount): ApiError | undefined {
    const most = limits!.max_tokens_per_request;
    if (most !== undefined && sizeOf(this.#use) > most) return tooManyTokens(scope, most, sizeOf(this.#use));
    const excess = rate.excess(limits!, this.#amounts(), this.#clock.monotonic());
    return excess === undefined ? undefined : rateExceeded(scope, excess);
  }

  #worstCase(target: MeteredTarget, spent: number): Reservation {
    const { outputTokens: asked, choices, isFree } = this.#use;
    if (isFree) return { nanodollars: 0, outputTokens: undefined };
    const most = asked === undefined ? this.#mostOutputTokens() : undefined;
    const longest = Math.min(asked ?? target.maxOutputTokens ?? assumedLongestAnswer, most ?? Infinity);
    const isBounded = asked !== undefined ||
      (most === undefined && (target.maxOutputTokens !== undefined || !this.#hasHardBudget()));
    const cost = worstCostOf(target.price, this.#mostPromptTokens(), longest * choices, choices);
    return {
      nanodollars: cost === undefined ? undefined : cost + spent,
      outputTokens: isBounded ? undefined : longest,
    };
  }

  /** What limits of one request's size leave for an answer that nobody else limits. */
  #mostOutputTokens(): number | undefined {
    const limits = this.#accounts.flatMap(({ limits }) => limits?.max_tokens_per_request ?? []);
    if (limits.length === 0 || this.#use.outputTokens === 0) return undefined;
    return Math.max(1, Math.min(...limits) - this.#use.mostPromptTokens());
  }

  /** Only a hard budget has to be sure. */
  #mostPromptTokens(): number {
    const { promptTokens, mostPromptTokens } = this.#use;
    return promptTokens > 0 && this.#hasHardBudget()
      ? Math.max(promptTokens, mostPromptTokens())
      : promptTokens;
  }

  #hasHardBudget(): boolean {
    return this.#accounts.some(({ money }) => money?.budget.mode === "hard");
  }
}

/** Nobody waits for an answer any more. */
function clientIsGone(): ApiError {
  return new ApiError({ status: 499, code: "client_closed_request", message: "The request has ended." });
}

/** How much more of a rate a request has taken in the end. */
function differenceOf({ unit, amount }: SharedUse, tokens: number): number {
  return unit === "tokens" ? tokens - amount : unit === "concurrent" ? -amount : 0;
}
