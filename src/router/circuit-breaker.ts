export interface BreakerSettings {
  /** Failures in a row that open the circuit. */
  readonly failures: number;
  readonly openMs: number;
  readonly maxOpenMs: number;
}

export type BreakerState = "closed" | "open" | "half-open";

/**
 * A circuit breaker: closed while calls succeed; open after several failures in a row; after a time half-open, when a single
 * probe decides. Each renewed failure doubles the time.
 */
export class CircuitBreaker {
  readonly #settings: BreakerSettings;
  #failures = 0;
  #openings = 0;
  #openUntil = 0;
  #probing = false;

  constructor(settings: BreakerSettings) {
    this.#settings = settings;
  }

  /** @param now monotonic milliseconds */
  state(now: number): BreakerState {
    if (this.#openings === 0) return "closed";
    return now < this.#openUntil ? "open" : "half-open";
  }

  /** Whether a call may be made now. */
  allows(now: number): boolean {
    const state = this.state(now);
    return state === "closed" || (state === "half-open" && !this.#probing);
  }

  /** Milliseconds until a call may be made; 0 when it may. */
  retryAfterMs(now: number): number {
    return this.#openings === 0 ? 0 : Math.max(0, this.#openUntil - now);
  }

  /**
   * A call is dispatched. In the half-open state it is the probe, and no other is let through until it ends.
   *
   * @returns whether it is the probe, which `fail` and `neutral` must be told: calls from before the opening may still
   * end while it runs, and say nothing about it.
   */
  begin(now: number): boolean {
    if (this.#probing || this.state(now) !== "half-open") return false;
    return this.#probing = true;
  }

  succeed(): void {
    this.#failures = 0;
    this.#openings = 0;
    this.#probing = false;
  }

  fail(now: number, probe: boolean): void {
    this.#failures++;
    const probeFailed = probe && this.#openings > 0;
    if (probe) this.#probing = false;
    if (probeFailed || (this.#openings === 0 && this.#failures >= this.#settings.failures)) {
      const { openMs, maxOpenMs } = this.#settings;
      this.#openUntil = now + Math.min(maxOpenMs, openMs * 2 ** this.#openings);
      this.#openings++;
    }
  }

  /** The call said nothing about the target's health: the client left, or the request was at fault. */
  neutral(probe: boolean): void {
    if (probe) this.#probing = false;
  }
}
