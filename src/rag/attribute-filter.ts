import type { AttributeFilter, Attributes } from "../schema/retrieval.ts";

/**
 * Whether a file's attributes pass a filter, as OpenAI's vector stores have it: values are equal only when they are of one type, what
 * is not there is equal to nothing, and only numbers and texts have an order.
 */
export function passes(filter: AttributeFilter, attributes: Attributes): boolean {
  switch (filter.type) {
    case "and":
      return filter.filters.every((inner) => passes(inner, attributes));
    case "or":
      return filter.filters.some((inner) => passes(inner, attributes));
    default:
      return compares(
        filter.type,
        Object.hasOwn(attributes, filter.key) ? attributes[filter.key] : undefined,
        filter.value,
      );
  }
}

type Comparison = Exclude<AttributeFilter["type"], "and" | "or">;
type Value = string | number | boolean;

function compares(type: Comparison, given: Value | undefined, value: Value | readonly Value[]): boolean {
  switch (type) {
    case "eq":
      return given === value;
    case "ne":
      return given !== value;
    case "in":
      return given !== undefined && listOf(value).includes(given);
    case "nin":
      return given === undefined || !listOf(value).includes(given);
    default:
      return isOrdered(type, given, value);
  }
}

function isOrdered(
  type: "gt" | "gte" | "lt" | "lte",
  given: Value | undefined,
  value: Value | readonly Value[],
): boolean {
  if (typeof given !== typeof value || typeof given === "boolean" || given === undefined) return false;
  const other = value as string | number;
  if (type === "gt") return given > other;
  if (type === "gte") return given >= other;
  return type === "lt" ? given < other : given <= other;
}

function listOf(value: Value | readonly Value[]): readonly Value[] {
  return Array.isArray(value) ? value : [value as Value];
}
