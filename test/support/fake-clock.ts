import type { Clock, TimerHandle } from "../../src/lib/clock.ts";

/** Time that stands still until told otherwise. */
export class FakeClock implements Clock {
  #time: number;
  #next = 1;
  readonly #timers = new Map<number, { at: number; callback: () => void }>();

  constructor(start = 1_700_000_000_000) {
    this.#time = start;
  }

  now(): number {
    return this.#time;
  }

  monotonic(): number {
    return this.#time;
  }

  setTimeout(callback: () => void, milliseconds: number): TimerHandle {
    const id = this.#next++;
    this.#timers.set(id, { at: this.#time + milliseconds, callback });
    return id as never;
  }

  clearTimeout(handle: TimerHandle): void {
    this.#timers.delete(handle as never);
  }

  /** Timers that wait. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Moves time on, firing timers in order, and lets promises settle before the first and after each. */
  async advance(milliseconds: number): Promise<void> {
    await settle();
    const end = this.#time + milliseconds;
    for (;;) {
      const due = [...this.#timers].filter(([, timer]) =>
        timer.at <= end
      ).sort(([, a], [, b]) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers.delete(due[0]);
      this.#time = Math.max(this.#time, due[1].at);
      due[1].callback();
      await settle();
    }
    this.#time = end;
    await settle();
  }
}

/** Lets everything run that waits for promises alone. */
export async function settle(): Promise<void> {
  for (let index = 0; index < 20; index++) await Promise.resolve();
}
