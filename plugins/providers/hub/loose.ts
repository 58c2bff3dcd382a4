/** An object of which nothing is certain. */
export type Loose = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Loose {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value as an object; an empty one when it is none. */
export function asObject(value: unknown): Loose {
  return isObject(value) ? value : {};
}

/** The objects of a list; none when it is no list. */
export function objectsOf(value: unknown): readonly Loose[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

export function asText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** A count as backends should give it; 0 when they do not. */
export function asCount(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? Math.round(value) : 0;
}

/** The field alone, or nothing where there is no value. */
export function given(field: string, value: unknown): Record<string, unknown> {
  return value === undefined || value === null ? {} : { [field]: value };
}
