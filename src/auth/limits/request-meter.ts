import type { ApiError } from "../../lib/api-error.ts";
import type { Clock } from "../../lib/clock.ts";
import { type Price, worstCostOf } from "../../lib/price.ts";
import type { ExpectedUse, MeteredAccount, SharedMeters } from "./contracts.ts";
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

/** What one request takes of the limits and budgets of everybody whose it is. */
export class RequestMeter {
  readonly #shared: SharedMeters;
  readonly #clock: Clock;
  readonly #accounts: readonly MeteredAccount[];
  readonly #scopes: readonly string[];
  readonly #use: ExpectedUse;
  readonly #tokens: number;
  readonly #takenAt: number;
  #reserved = 0;
  #model: MeteredAccount | undefined;
  #modelTakenAt = 0;
  #settled = false;

  /** @param tokens that were taken at `takenAt` of the accounts' limits. */
  constructor(
    shared: SharedMeters,
    clock: Clock,
    accounts: readonly MeteredAccount[],
    scopes: readonly string[],
    use: ExpectedUse,
    tokens: number,
    takenAt: number,
  ) {
    this.#shared = shared;
    this.#clock = clock;
    this.#accounts = accounts;
    this.#scopes = scopes;
    this.#use = use;
    this.#tokens = tokens;
    this.#takenAt = takenAt;
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
  reserve(target: MeteredTarget): Reservation | { readonly refusal: ApiError } {
    this.#release();
    const amount = this.#worstCase(target);
    const now = this.#clock.now();
    for (const { scope, money } of this.#accounts) {
      if (money === undefined || money.budget.mode === "soft") continue;
      if (amount.nanodollars === undefined) return { refusal: priceUnknown(scope, target.id) };
      const excess = money.excess(amount.nanodollars, now);
      if (excess !== undefined) return { refusal: budgetExceeded(scope, excess) };
    }
    const refusal = this.#takeOfModel(target.id);
    if (refusal !== undefined) return { refusal };
    this.#reserved = amount.nanodollars ?? 0;
    for (const { money } of this.#accounts) money?.reserve(this.#reserved);
    return amount;
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
    this.#release(tokens);
    const now = this.#clock.monotonic();
    for (const account of this.#accounts) {
      if (account.limits !== undefined) {
        account.rate.settle(account.limits, tokens - this.#tokens, this.#takenAt, now);
      }
    }
    this.#shared.spend(this.#scopes, nanodollars, this.#use.arrivedAt);
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

  #release(tokens = 0): void {
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
      nanodollars: worstCostOf(target.price, promptTokens, longest * choices),
      outputTokens: isBounded ? undefined : longest,
    };
  }

  #hasHardBudget(): boolean {
    return this.#accounts.some(({ money }) => money?.budget.mode === "hard");
  }
}
