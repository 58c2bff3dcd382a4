/** The one argument of the function that stands for a tool whose input is plain text. */
export const inputArgument = "input";

/** Up to the first character of the text. */
const opening = new RegExp(`^\\s*\\{\\s*"${inputArgument}"\\s*:\\s*"`);

/** Whole characters of a JSON string: no escape that has only begun, and no half of a pair of them. */
const wholeCharacters =
  /^(?:[^"\\\uD800-\uDBFF]|[\uD800-\uDBFF][\uDC00-\uDFFF]|\\[^u]|\\u(?![dD][89abAB])[0-9a-fA-F]{4}|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[0-9a-fA-F]{4})*/;

/** The arguments of a function as which a call for plain text goes. */
export function wrapInput(input: string): string {
  return JSON.stringify({ [inputArgument]: input });
}

/** The plain text in a function's arguments; the arguments themselves where a model kept to no schema. */
export function unwrapInput(text: string): string {
  const reader = new InputReader();
  return reader.push(text) + reader.rest();
}

/** Reads the plain text out of a function's arguments as their pieces come. */
export class InputReader {
  /** What has come and is not given yet. */
  #pending = "";
  #state: "before" | "inside" | "after" = "before";

  /** The text that this piece completes. */
  push(piece: string): string {
    this.#pending += piece;
    if (this.#state === "before") {
      const start = this.#pending.match(opening);
      if (start === null) return "";
      this.#pending = this.#pending.slice(start[0].length);
      this.#state = "inside";
    }
    if (this.#state === "after") return "";
    const [whole] = this.#pending.match(wholeCharacters)!;
    this.#pending = this.#pending.slice(whole.length);
    if (this.#pending.startsWith('"')) this.#state = "after";
    return decode(whole);
  }

  /** What is left at the end: all of the arguments, where there are some and they hold no such text. */
  rest(): string {
    return this.#state === "before" && this.#pending.trim() !== "{}" ? this.#pending : "";
  }
}

/** Models leave line breaks as they are at times, which JSON does not allow. */
function decode(text: string): string {
  // deno-lint-ignore no-control-regex -- they are what is looked for.
  const escaped = text.replace(/[\u0000-\u001f]/g, (control) => JSON.stringify(control).slice(1, -1));
  try {
    return JSON.parse(`"${escaped}"`);
  } catch {
    return text;
  }
}
