import type { Clock, TimerHandle } from "../lib/clock.ts";

/** Lines wait at most this long, in milliseconds: a system call for each request would cost more than the line. */
const longestWaitMs = 50;
const largestBatch = 64 * 1024;

/** Gathers log lines and writes them in batches. */
export class LineWriter {
  readonly #write: (text: string) => void;
  readonly #clock: Clock;
  #pending = "";
  #timer: TimerHandle | undefined;

  constructor(write: (text: string) => void, clock: Clock) {
    this.#write = write;
    this.#clock = clock;
  }

  readonly write = (text: string): void => {
    this.#pending += text;
    if (this.#pending.length >= largestBatch) this.flush();
    else this.#timer ??= this.#clock.setTimeout(() => this.flush(), longestWaitMs);
  };

  /** Writes what waits, now. */
  flush(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    const text = this.#pending;
    this.#pending = "";
    if (text !== "") this.#write(text);
  }
}
