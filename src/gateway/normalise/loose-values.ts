/** Whether the value of a field `error` tells of one: some backends send the field always, empty while all is well. */
export function isError(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return Boolean(value);
  for (const _key in value) return true;
  return false;
}

/** Whether it is an index or a time in seconds as strict clients read them: 32 bits, no sign, no fraction. */
export function isUnsigned(value: unknown): value is number {
  return typeof value === "number" && value >>> 0 === value;
}

/** Whether it is what an object is in JSON; some backends write an empty one as a list. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether it is a text, or says that there is none. */
export function isTextOrNothing(value: unknown): value is string | null | undefined {
  return typeof value === "string" || value === null || value === undefined;
}
