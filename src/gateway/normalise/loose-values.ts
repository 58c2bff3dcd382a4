/** Whether the value of a field `error` tells of one: some backends send the field always, empty while all is well. */
export function isError(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return Boolean(value);
  for (const _key in value) return true;
  return false;
}

/** Whether it is seconds since the epoch as strict clients read them: 32 bits, no sign, no fraction. */
export function isTime(value: unknown): value is number {
  return typeof value === "number" && value >>> 0 === value;
}
