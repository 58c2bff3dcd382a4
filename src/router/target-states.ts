import { LRUCache } from "lru-cache";
import { type BreakerSettings, type BreakerState, CircuitBreaker } from "./circuit-breaker.ts";
import type { CatalogModel } from "./contracts.ts";
import { RetryBudget } from "./retry-budget.ts";

/** What is known of one target from the calls made to it. */
export class TargetState {
  breaker: CircuitBreaker;
  budget: RetryBudget;
  outstandingRequests = 0;
  outstandingTokens = 0;
  /** Monotonic milliseconds until which the target asked to be left alone. */
  coolUntil = 0;
  lastError: string | undefined;

  constructor(settings: TargetStateSettings) {
    this.breaker = new CircuitBreaker(settings.breaker);
    this.budget = new RetryBudget(settings.retryBudget, settings.retryBudgetMin);
  }

  /** As new, but for the calls that still run. */
  reset(settings: TargetStateSettings): void {
    this.breaker = new CircuitBreaker(settings.breaker);
    this.budget = new RetryBudget(settings.retryBudget, settings.retryBudgetMin);
    this.coolUntil = 0;
    this.lastError = undefined;
  }
}

export interface TargetStateSettings {
  readonly breaker: BreakerSettings;
  readonly retryBudget: number;
  readonly retryBudgetMin: number;
}

export interface TargetHealth {
  readonly state: BreakerState | "cooling" | "credential";
  /** Milliseconds until it may be tried again. */
  readonly retryAfterMs: number;
  readonly lastError: string | undefined;
}

/** The time for which a refused credential keeps its targets out, in milliseconds. */
export const credentialPauseMs = 60_000;

/** With wildcard targets clients choose the names, so the states are bounded; the longest unused goes first. */
const mostTargets = 10_000;

/** The states of all targets. Outlives configurations, so that a reload does not forget which backend is down. */
export class TargetStates {
  #settings: TargetStateSettings;
  readonly #targets = new LRUCache<string, TargetState>({ max: mostTargets });
  readonly #credentialUntil = new Map<string, number>();

  constructor(settings: TargetStateSettings) {
    this.#settings = settings;
  }

  /** New settings hold for targets that are met from now on; after a reload all are met anew when they changed. */
  configure(settings: TargetStateSettings): void {
    if (JSON.stringify(settings) === JSON.stringify(this.#settings)) return;
    this.#settings = settings;
    for (const [id, state] of this.#targets) if (state.outstandingRequests === 0) this.#targets.delete(id);
  }

  /** What was learnt of a provider's targets is of no use once its address or its credential is another. */
  forget(provider: string): void {
    this.#credentialUntil.delete(provider);
    for (const [id, state] of this.#targets) {
      if (id.startsWith(`${provider}/`) && state.outstandingRequests === 0) this.#targets.delete(id);
      else if (id.startsWith(`${provider}/`)) state.reset(this.#settings);
    }
  }

  of(model: CatalogModel): TargetState {
    let state = this.#targets.get(model.id);
    if (state === undefined) this.#targets.set(model.id, state = new TargetState(this.#settings));
    return state;
  }

  /** Undefined when the target may be called now. Allocates nothing in that case: it is asked for every candidate. */
  unhealthy(model: CatalogModel, now: number): TargetHealth | undefined {
    const credential = this.#credentialUntil.get(model.provider);
    if (credential !== undefined && credential > now) {
      return { state: "credential", retryAfterMs: credential - now, lastError: "the credential was refused" };
    }
    const state = this.#targets.get(model.id);
    if (state === undefined) return undefined;
    if (state.coolUntil > now) {
      return { state: "cooling", retryAfterMs: state.coolUntil - now, lastError: state.lastError };
    }
    if (state.breaker.allows(now)) return undefined;
    return {
      state: state.breaker.state(now),
      retryAfterMs: state.breaker.retryAfterMs(now),
      lastError: state.lastError,
    };
  }

  /** The state of every target that was called, the last used first. */
  list(now: number, most: number): { target: string; state: TargetHealth["state"]; outstanding: number }[] {
    const found = [];
    for (const [target, state] of this.#targets) {
      if (found.length === most) break;
      const credential = this.#credentialUntil.get(target.slice(0, Math.max(0, target.indexOf("/"))));
      const health = credential !== undefined && credential > now
        ? "credential"
        : state.coolUntil > now
        ? "cooling"
        : state.breaker.state(now);
      found.push({ target, state: health, outstanding: state.outstandingRequests } as const);
    }
    return found;
  }

  refuseCredential(provider: string, now: number): void {
    this.#credentialUntil.set(provider, now + credentialPauseMs);
  }

  acceptCredential(provider: string): void {
    this.#credentialUntil.delete(provider);
  }
}
