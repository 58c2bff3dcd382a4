/** Counts inference requests in flight. */
export class Admission {
  readonly #limit: () => number;
  #running = 0;

  constructor(limit: () => number) {
    this.#limit = limit;
  }

  get running(): number {
    return this.#running;
  }

  get most(): number {
    return this.#limit();
  }

  enter(): (() => void) | undefined {
    if (this.#running >= this.#limit()) return undefined;
    this.#running++;
    let left = false;
    return () => {
      if (!left) this.#running--;
      left = true;
    };
  }
}
