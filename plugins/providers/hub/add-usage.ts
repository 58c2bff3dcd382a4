import type { Usage } from "intellirouter/plugin";

/** Sums every count that two usages have, details included; what is not a number is the later one's. */
export function addUsage(sum: Usage | undefined, usage: Usage | null | undefined): Usage | undefined {
  if (usage === null || usage === undefined) return sum;
  return sum === undefined ? usage : addCounts(sum, usage) as Usage;
}

type Counts = Readonly<Record<string, unknown>>;

function addCounts(left: Counts, right: Counts): Counts {
  const sum: Record<string, unknown> = { ...left };
  for (const [field, value] of Object.entries(right)) {
    const before = left[field];
    if (typeof value === "number" && typeof before === "number") sum[field] = before + value;
    else if (isCounts(value) && isCounts(before)) sum[field] = addCounts(before, value);
    else if (value !== null && value !== undefined) sum[field] = value;
  }
  return sum;
}

function isCounts(value: unknown): value is Counts {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
