/**
 * What was used within the last minute or day, by two numbers: the sum of the running window, and that of the one before, which
 * counts for as much of it as still lies within the last window's length. It never errs by more than what an uneven use of one window
 * makes, and lets nobody use two windows' worth around the turn from one to the next.
 */
export class WindowCounter {
  readonly #windowMs: number;
  #start: number;
  #current = 0;
  #previous = 0;

  /** @param now monotonic, in milliseconds: a clock that is set must not open a limit. */
  constructor(windowMs: number, now: number) {
    this.#windowMs = windowMs;
    this.#start = now;
  }

  used(now: number): number {
    const elapsed = this.#roll(now);
    return this.#current + this.#previous * (1 - elapsed / this.#windowMs);
  }

  add(amount: number, now: number): void {
    this.#roll(now);
    this.#current += amount;
  }

  /** Corrects what was added at a time, in the window that it was added in; what was too much long ago counts now. */
  correct(difference: number, addedAt: number, now: number): void {
    this.#roll(now);
    if (addedAt >= this.#start) this.#current = Math.max(0, this.#current + difference);
    else if (addedAt >= this.#start - this.#windowMs) {
      this.#previous = Math.max(0, this.#previous + difference);
    } else this.#current += Math.max(0, difference);
  }

  /** Milliseconds until an amount is within the limit; 0 when it is, Infinity when it never will be. */
  waitMs(amount: number, limit: number, now: number): number {
    if (amount > limit) return Infinity;
    const elapsed = this.#roll(now);
    const room = limit - amount;
    if (this.#current <= room) {
      return Math.max(0, this.#untilShare(this.#previous, room - this.#current) - elapsed);
    }
    // The running window alone is too much: it has to become the one before, and then fade.
    return this.#windowMs - elapsed + this.#untilShare(this.#current, room);
  }

  /** How far into a window what is left of the one before is no more than this. */
  #untilShare(previous: number, most: number): number {
    return previous <= most ? 0 : this.#windowMs * (1 - most / previous);
  }

  /** Gives how far the running window has run, in milliseconds. */
  #roll(now: number): number {
    const passed = Math.floor((now - this.#start) / this.#windowMs);
    if (passed > 0) {
      this.#previous = passed === 1 ? this.#current : 0;
      this.#current = 0;
      this.#start += passed * this.#windowMs;
    }
    return now - this.#start;
  }
}
