/**
 * `kill -9` under load, again and again: every answer that a client has got is in the books, no budget is spent twice, and the sums are
 * those of the rows. Ten times here, a hundred times in `scripts/test.sh long`.
 */
import { expect, test } from "bun:test";
import { crashSeries } from "./support/crash-series.ts";

test("the books survive ten kills under load", async () => {
  const { served, rows, lost, backend, budget } = await crashSeries(10);
  expect(served.length).toBeGreaterThan(100);
  expect(served.filter((id) => !rows.has(id))).toEqual([]);
  // What the backend did is booked, as done or at worst as lost; nothing is booked that was not begun.
  expect(rows.size + lost).toBeGreaterThanOrEqual(backend);
  expect(budget.spent).toBeLessThanOrEqual(budget.limit);
}, 120_000);
