/** Takes away from the beginning of an answer what it was to go on from: Mistral says it again. */
export class PrefixFilter {
  readonly #prefix: string;
  /** What may be the beginning of the prefix. */
  #held = "";
  #done: boolean;

  constructor(prefix: string) {
    this.#prefix = prefix;
    this.#done = prefix === "";
  }

  push(text: string): string {
    if (this.#done || text === "") return text;
    this.#held += text;
    if (this.#held.startsWith(this.#prefix)) return this.end().slice(this.#prefix.length);
    return this.#prefix.startsWith(this.#held) ? "" : this.end();
  }

  /** No more comes: what was held back was something else. */
  end(): string {
    this.#done = true;
    const text = this.#held;
    this.#held = "";
    return text;
  }
}
