/** Retries and first tries are counted over this time, in milliseconds. */
const windowMs = 10_000;
const slotMs = 1_000;
/** One more than the window has, so that the slot that is just filling does not shorten it. */
const slots = windowMs / slotMs + 1;

/**
 * Keeps retries from becoming a storm: in any ten seconds a target gets at most a share of its recent first tries again,
 * and a small number whatever the share (Finagle's and Envoy's retry budgets).
 */
export class RetryBudget {
  readonly #share: number;
  readonly #minimum: number;
  readonly #requests = new Float64Array(slots);
  readonly #retries = new Float64Array(slots);
  #slot = 0;

  constructor(share: number, minimum: number) {
    this.#share = share;
    this.#minimum = minimum;
  }

  /** @param now monotonic milliseconds */
  request(now: number): void {
    this.#advance(now);
    this.#requests[this.#slot % slots]!++;
  }

  /** Takes one retry out of the budget; false when it is used up. */
  tryRetry(now: number): boolean {
    this.#advance(now);
    const retries = sum(this.#retries);
    if (retries + 1 > Math.max(this.#minimum, sum(this.#requests) * this.#share)) return false;
    this.#retries[this.#slot % slots]!++;
    return true;
  }

  #advance(now: number): void {
    const slot = Math.floor(now / slotMs);
    for (let passed = Math.max(this.#slot + 1, slot - slots + 1); passed <= slot; passed++) {
      this.#requests[passed % slots] = 0;
      this.#retries[passed % slots] = 0;
    }
    this.#slot = Math.max(this.#slot, slot);
  }
}

function sum(values: Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
