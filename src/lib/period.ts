/** Times over which money is counted; calendar ones are in UTC. */
export const periodKinds = ["day", "month", "total"] as const;

export type PeriodKind = typeof periodKinds[number];

/** The name of the period that a time falls into: `2026-11-23`, `2026-11`, `total`. Names of one kind sort by time. */
export function periodOf(kind: PeriodKind, milliseconds: number): string {
  if (kind === "total") return "total";
  return new Date(milliseconds).toISOString().slice(0, kind === "day" ? 10 : 7);
}

/** The names of all periods that a time falls into, in the order of `periodKinds`. */
export function periodsOf(milliseconds: number): readonly string[] {
  const day = periodOf("day", milliseconds);
  return [day, day.slice(0, 7), "total"];
}

/** When the period that a time falls into ends, in milliseconds since the epoch; Infinity for `total`. */
export function periodEnd(kind: PeriodKind, milliseconds: number): number {
  if (kind === "total") return Infinity;
  const date = new Date(milliseconds);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  return kind === "day" ? Date.UTC(year, month, date.getUTCDate() + 1) : Date.UTC(year, month + 1, 1);
}

/** When the period that a time falls into began, in milliseconds since the epoch; -Infinity for `total`. */
export function periodStart(kind: PeriodKind, milliseconds: number): number {
  return kind === "total" ? -Infinity : Date.parse(periodOf(kind, milliseconds));
}
