import { randomFillSync } from "node:crypto";

const poolBytes = 8_192;

/** Random ids of traces and spans. Randomness is drawn for hundreds of them at a time. */
export class SpanIds {
  readonly #pool = Buffer.alloc(poolBytes);
  #used = poolBytes;

  /** 32 hexadecimal digits. */
  trace(): string {
    return this.#take(16);
  }

  /** 16 hexadecimal digits. */
  span(): string {
    return this.#take(8);
  }

  #take(bytes: number): string {
    if (this.#used + bytes > poolBytes) {
      randomFillSync(this.#pool);
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += bytes;
    // An id of zeros is no id. One bit less of randomness rules it out.
    this.#pool[start]! |= 1;
    return this.#pool.toString("hex", start, start + bytes);
  }
}
