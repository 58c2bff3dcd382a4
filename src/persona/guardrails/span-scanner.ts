/** A part of a text with what takes its place; undefined ends the text. */
export interface Replacement {
  readonly start: number;
  readonly end: number;
  readonly text: string | undefined;
  /** Told when it takes the place: a part is found several times while a text grows. */
  use?(): void;
}

export interface ScannedText {
  /** What may go on. */
  readonly text: string;
  /** Something was found whose place nothing may take: nothing more may go on. */
  readonly isBlocked: boolean;
}

/** What has gone on and is looked at again, so that words are seen whole. */
const contextLength = 64;

/**
 * Looks for parts of a text that comes in pieces, and hands on what can be told by then: however the text is cut, the same parts are
 * found. What is held back is as long as the longest part.
 */
export class SpanScanner {
  readonly #longest: number;
  readonly #find: (text: string) => readonly Replacement[];
  /** The end of what has gone on, as it came. */
  #context = "";
  #pending = "";

  /** @param find in order of their starts. */
  constructor(longest: number, find: (text: string) => readonly Replacement[]) {
    this.#longest = longest;
    this.#find = find;
  }

  push(text: string): ScannedText {
    this.#pending += text;
    return this.#pending.length <= this.#longest ? { text: "", isBlocked: false } : this.#scan(false);
  }

  /** The rest. */
  end(): ScannedText {
    const scanned = this.#scan(true);
    this.#context = this.#pending = "";
    return scanned;
  }

  #scan(isEnd: boolean): ScannedText {
    const { length: known } = this.#context;
    const whole = this.#context + this.#pending;
    // Beyond it a part may begin whose end has not come.
    const certain = isEnd
      ? whole.length
      : known + wholeCharacters(this.#pending, this.#pending.length - this.#longest);
    let text = "";
    let at = known;
    for (const span of this.#find(whole)) {
      if (span.start >= certain) break;
      if (span.start < at) continue;
      text += whole.slice(at, span.start);
      span.use?.();
      if (span.text === undefined) return { text, isBlocked: true };
      text += span.text;
      at = span.end;
    }
    const end = Math.max(at, certain);
    text += whole.slice(at, end);
    this.#context = whole.slice(Math.max(0, end - contextLength), end);
    this.#pending = whole.slice(end);
    return { text, isBlocked: false };
  }
}

/** No half of a surrogate pair goes on alone. */
function wholeCharacters(text: string, length: number): number {
  const code = text.charCodeAt(length - 1);
  return code >= 0xd800 && code <= 0xdbff ? length - 1 : length;
}

/** A whole text with everything replaced that is found in it. */
export function replaceSpans(text: string, find: (text: string) => readonly Replacement[]): ScannedText {
  const scanner = new SpanScanner(Infinity, find);
  scanner.push(text);
  return scanner.end();
}
