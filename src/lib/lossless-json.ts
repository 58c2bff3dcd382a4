/** Numbers of so many digits may be more than a double can hold. */
const longNumber = /\d{16}/;

type Reviver = (this: unknown, key: string, value: unknown, context: { readonly source?: string }) => unknown;

/** ES2025's raw JSON, which the type declarations do not have yet. */
const { rawJSON, isRawJSON } = JSON as unknown as {
  rawJSON?: (text: string) => unknown;
  isRawJSON?: (value: unknown) => boolean;
};

/** Whether a parsed value is a number that a double would change, kept as its text. */
export function isRawJson(value: object): boolean {
  return isRawJSON?.(value) ?? false;
}

/** Whether a parsed value is an integer that is too long for a double; it is written again as it came. */
export function isLongInteger(value: unknown): boolean {
  return typeof value === "object" && value !== null && isRawJson(value) &&
    /^-?\d+$/.test((value as { readonly rawJSON: string }).rawJSON);
}

/**
 * Parses JSON so that writing it again gives the same numbers: ids of twenty digits are common in what tools take and give, and a
 * double would round them.
 *
 * @throws {SyntaxError}
 */
export function parseJson(text: string): unknown {
  if (rawJSON === undefined || !longNumber.test(text)) return JSON.parse(text);
  const keep: Reviver = (_key, value, { source }) =>
    typeof value === "number" && source !== undefined && !Number.isSafeInteger(value) &&
      String(value) !== source
      ? rawJSON(source)
      : value;
  return JSON.parse(text, keep as (this: unknown, key: string, value: unknown) => unknown);
}
