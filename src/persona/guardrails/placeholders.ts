/** Placeholders and what they stand for, for one request and its answer. */
export class Placeholders {
  readonly #originals = new Map<string, string>();
  readonly #known = new Map<string, string>();
  readonly #counts = new Map<string, number>();

  /** No placeholder is longer, in characters. */
  static readonly longest = 48;

  get isEmpty(): boolean {
    return this.#originals.size === 0;
  }

  /** The same for the same text. @param taken texts in which a made-up placeholder must not stand already. */
  of(label: string, original: string, taken: string): string {
    const key = `${label} ${original}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    let placeholder: string;
    do {
      const count = (this.#counts.get(label) ?? 0) + 1;
      this.#counts.set(label, count);
      placeholder = `[${label.slice(0, 32)}_${count}]`;
    } while (taken.includes(placeholder));
    this.#originals.set(placeholder, original);
    this.#known.set(key, placeholder);
    return placeholder;
  }

  /** Where known placeholders stand in a text, and what they stand for. */
  find(text: string): { readonly start: number; readonly end: number; readonly original: string }[] {
    if (this.isEmpty) return [];
    return [...text.matchAll(/\[[A-Z_]{1,32}_\d{1,12}\]/g)].flatMap((match) => {
      const original = this.#originals.get(match[0]);
      return original === undefined
        ? []
        : [{ start: match.index, end: match.index + match[0].length, original }];
    });
  }

  restore(text: string): string {
    let restored = "";
    let end = 0;
    for (const { start, end: next, original } of this.find(text)) {
      restored += text.slice(end, start) + original;
      end = next;
    }
    return end === 0 ? text : restored + text.slice(end);
  }
}
