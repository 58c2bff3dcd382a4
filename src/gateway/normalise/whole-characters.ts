/**
 * Backends cut texts anywhere, also through a character that JSON writes as two halves. Strict clients refuse a piece with half a
 * character, so a half at the end waits for the next piece.
 */
export class WholeCharacters {
  readonly #halves = new Map<unknown, string>();

  get waiting(): boolean {
    return this.#halves.size > 0;
  }

  /** What of a text, so far as it has come, can be passed on. */
  whole(field: unknown, piece: string): string {
    const text = (this.#halves.get(field) ?? "") + piece;
    if (text.isWellFormed()) {
      this.#halves.delete(field);
      return text;
    }
    if (!isFirstHalf(text.charCodeAt(text.length - 1))) {
      this.#halves.delete(field);
      return text.toWellFormed();
    }
    this.#halves.set(field, text.slice(-1));
    return text.slice(0, -1).toWellFormed();
  }

  /** What stands for a half whose other never came. */
  rest(field: unknown): string {
    return this.#halves.delete(field) ? "\ufffd" : "";
  }
}

function isFirstHalf(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}
