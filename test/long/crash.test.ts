/** The long form of `test/e2e/crash.test.ts`. */
import { expect, test } from "bun:test";
import { crashSeries } from "../e2e/support/crash-series.ts";

test("the books survive a hundred kills under load", async () => {
  const { served, rows, lost, backend, budget } = await crashSeries(100);
  expect(served.filter((id) => !rows.has(id))).toEqual([]);
  expect(rows.size + lost).toBeGreaterThanOrEqual(backend);
  expect(budget.spent).toBeLessThanOrEqual(budget.limit);
}, 600_000);
