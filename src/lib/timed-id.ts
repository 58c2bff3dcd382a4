/** Unique, and sorting by time to the millisecond: databases keep such ids together. */
export function timedId(nowMs: number): string {
  return nowMs.toString(16).padStart(12, "0") + crypto.randomUUID().slice(13);
}
