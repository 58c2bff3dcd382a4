/**
 * Ids of tool calls as backends take them that allow letters, digits, `_` and `-` alone: other backends' ids hold colons and dots.
 * Equal ids stay equal, different ones different.
 */
export class CallIds {
  readonly #made = new Map<string, string>();
  readonly #taken = new Set<string>();
  readonly #longest: number;
  readonly #isShort: boolean;

  /** @param isShort exactly nine letters and digits, as Mistral's models insist. */
  constructor(longest = Infinity, isShort = false) {
    this.#longest = longest;
    this.#isShort = isShort;
  }

  encode(id: string): string {
    const known = this.#made.get(id);
    if (known !== undefined) return known;
    if (this.#isShort) {
      const numbered = `c${String(this.#made.size).padStart(8, "0")}`;
      this.#made.set(id, numbered);
      return numbered;
    }
    const plain = id.replace(/[^\w-]/g, "_").slice(0, this.#longest) || "call";
    let made = plain;
    for (let count = 2; this.#taken.has(made); count++) {
      const ending = `_${count}`;
      made = plain.slice(0, this.#longest - ending.length) + ending;
    }
    this.#made.set(id, made);
    this.#taken.add(made);
    return made;
  }
}
