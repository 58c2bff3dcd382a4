import { type ParseError, printParseErrorCode, visit } from "jsonc-parser";

/** Texts beyond this are not searched: the search recurses with the nesting. */
const longestSearched = 1_000_000;

/**
 * Where a text stops being JSON, as ` at line 3, column 7: value expected`, or an empty string when it cannot be told.
 * The runtime's own message has no position.
 */
export function locateJsonError(text: string): string {
  if (text.length > longestSearched) return "";
  let first: ParseError | undefined;
  try {
    visit(text, {
      onError: (error, offset, length) => (first ??= { error, offset, length }),
      onComment: (offset, length) => (first ??= { error: 1, offset, length }),
    }, { disallowComments: true, allowTrailingComma: false });
  } catch {
    return "";
  }
  if (first === undefined) return "";
  const before = text.slice(0, first.offset);
  const line = before.split("\n").length;
  const column = first.offset - before.lastIndexOf("\n");
  const reason = printParseErrorCode(first.error).replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
  return ` at line ${line}, column ${column}: ${reason}`;
}
