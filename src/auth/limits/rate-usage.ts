import type { Limits, LimitStand } from "../../schema/account.ts";
import { WindowCounter } from "./window-counter.ts";

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

/** What is limited, and over what time. */
export const rateWindows = {
  requests_per_minute: { unit: "requests", windowMs: minuteMs, name: "requests per minute" },
  requests_per_day: { unit: "requests", windowMs: dayMs, name: "requests per day" },
  tokens_per_minute: { unit: "tokens", windowMs: minuteMs, name: "tokens per minute" },
  tokens_per_day: { unit: "tokens", windowMs: dayMs, name: "tokens per day" },
} as const;

type WindowLimit = keyof typeof rateWindows;
const windowLimits = Object.keys(rateWindows) as WindowLimit[];

/** One limit as it stands. */
export interface LimitState {
  readonly unit: "requests" | "tokens";
  readonly limit: number;
  readonly remaining: number;
  /** Milliseconds until all of it is there again. */
  readonly resetMs: number;
}

/** Of several limits those of which the least is left. */
export interface TightestLimits {
  requests: LimitState | undefined;
  tokens: LimitState | undefined;
}

/** A limit that a request is not within. */
export interface LimitExcess {
  readonly unit: "requests" | "tokens" | "concurrent requests";
  /** In words: `requests per minute`. */
  readonly what: string;
  readonly limit: number;
  readonly used: number;
  readonly asked: number;
  /** Milliseconds after which it would be; Infinity for never, undefined where nobody can tell. */
  readonly waitMs: number | undefined;
}

/** What a request takes of a limit. */
export interface RateAmounts {
  readonly requests: number;
  readonly tokens: number;
}

/** What other nodes have used of a limit, by its name as in the settings; 0 where none share it. */
export type UsedByOthers = (limit: string) => number;

/** How much one account has used of its limits. Lives as long as the process, whatever becomes of the limits. */
export class RateUsage {
  readonly #counters = new Map<WindowLimit, WindowCounter>();
  #running = 0;

  /** The limit that the amounts are not within, the one with the longest wait first; undefined when they are within all. */
  excess(limits: Limits, amounts: RateAmounts, now: number): LimitExcess | undefined {
    let worst: LimitExcess | undefined;
    for (const name of windowLimits) {
      const limit = limits[name];
      if (limit === undefined) continue;
      const { unit, name: what } = rateWindows[name];
      const asked = amounts[unit];
      const counter = this.#counter(name, now);
      const waitMs = counter.waitMs(asked, limit, now);
      if (waitMs > (worst?.waitMs ?? 0)) {
        worst = { unit, what, limit, used: Math.round(counter.used(now)), asked, waitMs };
      }
    }
    if (worst !== undefined) return worst;
    const { concurrent_requests: most } = limits;
    if (most === undefined || amounts.requests === 0 || this.#running < most) return undefined;
    const what = "concurrent requests";
    return { unit: what, what, limit: most, used: this.#running, asked: 1, waitMs: undefined };
  }

  take(limits: Limits, amounts: RateAmounts, now: number): void {
    for (const name of windowLimits) {
      if (limits[name] !== undefined) this.#counter(name, now).add(amounts[rateWindows[name].unit], now);
    }
    if (amounts.requests > 0) this.#running++;
  }

  /** The request has ended: it took as many tokens more (or less) as was thought. */
  settle(limits: Limits, tokens: number, takenAt: number, now: number): void {
    this.#running--;
    for (const name of windowLimits) {
      if (limits[name] !== undefined && rateWindows[name].unit === "tokens") {
        this.#counter(name, now).correct(tokens, takenAt, now);
      }
    }
  }

  /**
   * Puts the limits of requests and of tokens of which less is left than of those that are there into their places.
   *
   * @param others what other nodes have used of a limit, by its name.
   */
  tightest(limits: Limits, now: number, others: UsedByOthers, into: TightestLimits): void {
    for (const name of windowLimits) {
      const limit = limits[name];
      if (limit === undefined) continue;
      const { unit } = rateWindows[name];
      const counter = this.#counter(name, now);
      const remaining = Math.max(0, Math.floor(limit - counter.used(now) - others(name)));
      if (remaining >= (into[unit]?.remaining ?? Infinity)) continue;
      into[unit] = { unit, limit, remaining, resetMs: counter.waitMs(limit, limit, now) };
    }
  }

  /** How every limit stands, what other nodes have used included. */
  standing(limits: Limits, now: number, others: UsedByOthers): Omit<LimitStand, "account">[] {
    const { concurrent_requests: most } = limits;
    return [
      ...windowLimits.flatMap((limit) => {
        const most = limits[limit];
        return most === undefined
          ? []
          : [{ limit, most, used: Math.round(this.#counter(limit, now).used(now) + others(limit)) }];
      }),
      ...(most === undefined
        ? []
        : [{ limit: "concurrent_requests", most, used: this.#running + others("concurrent_requests") }]),
    ];
  }

  #counter(name: WindowLimit, now: number): WindowCounter {
    let counter = this.#counters.get(name);
    if (counter === undefined) {
      counter = new WindowCounter(rateWindows[name].windowMs, now);
      this.#counters.set(name, counter);
    }
    return counter;
  }
}
