import { expect, test } from "bun:test";
import { backoffMs } from "./backoff.ts";

test("the upper bound doubles with every failure, up to the limit", () => {
  const bounds = [1, 2, 3, 4, 5].map((failures) => backoffMs(failures, 100, 1_000, () => 1));
  expect(bounds).toEqual([100, 200, 400, 800, 1_000]);
});

test("the whole of the span is used", () => {
  expect(backoffMs(3, 100, 1_000, () => 0)).toBe(0);
  expect(backoffMs(3, 100, 1_000, () => 0.5)).toBe(200);
});

test("many failures do not overflow", () => {
  expect(backoffMs(5_000, 100, 1_000, () => 0.5)).toBe(500);
});
