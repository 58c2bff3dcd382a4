import { isRawJson } from "./lossless-json.ts";

/**
 * The JSON text of an object with the value of one of its members replaced, and every other byte as it is.
 *
 * Undefined where the text and the parsed value could be read differently: a name that comes twice is taken once by every parser,
 * but not by all the same one (GHSA-4gph-2hhr-5mwg), and what was checked must be what goes out.
 *
 * @param text has been parsed to `value` without an error.
 * @param replacement JSON text.
 */
export function replaceMember(
  text: string,
  value: Readonly<Record<string, unknown>>,
  name: string,
  replacement: string,
): string | undefined {
  const place = scan(text, name);
  return place.names === countMembers(value) && place.end > 0
    ? text.slice(0, place.start) + replacement + text.slice(place.end)
    : undefined;
}

interface Place {
  /** Of all objects of the text, however deep. */
  names: number;
  /** The value of the named member of the outermost object, the space around it included. */
  start: number;
  end: number;
}

const [quote, backslash, colon, comma] = [0x22, 0x5c, 0x3a, 0x2c];
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d];

/** Only valid JSON comes here, so outside of strings a colon follows a name, and nothing else has to be told apart. */
function scan(text: string, name: string): Place {
  const place: Place = { names: 0, start: 0, end: 0 };
  let depth = 0;
  let last: { readonly from: number; readonly to: number } = { from: 0, to: 0 };
  let open = false;
  for (let index = 0; index < text.length; index++) {
    switch (text.charCodeAt(index)) {
      case quote: {
        const from = index;
        index = endOfString(text, index);
        last = { from, to: index + 1 };
        break;
      }
      case colon:
        place.names++;
        if (depth === 1 && JSON.parse(text.slice(last.from, last.to)) === name) {
          open = true;
          place.start = index + 1;
        }
        break;
      case openBrace:
      case openBracket:
        depth++;
        break;
      case closeBrace:
      case closeBracket:
        depth--;
        if (depth === 0 && open) place.end = index;
        if (depth === 0) open = false;
        break;
      case comma:
        if (depth === 1 && open) {
          place.end = index;
          open = false;
        }
        break;
    }
  }
  return place;
}

/** Where the string that begins here has its closing quote. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end;
}

function isEscaped(text: string, index: number): boolean {
  let before = index - 1;
  while (text.charCodeAt(before) === backslash) before--;
  return (index - before) % 2 === 0;
}

function countMembers(value: unknown): number {
  if (typeof value !== "object" || value === null || isRawJson(value)) return 0;
  let count = 0;
  if (Array.isArray(value)) { for (const item of value) count += countMembers(item); }
  else {
    for (const key in value) count += 1 + countMembers((value as Record<string, unknown>)[key]);
  }
  return count;
}
