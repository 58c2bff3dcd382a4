import { describe, expect, test } from "bun:test";
import { inOrder } from "./in-order.ts";

describe("inOrder", () => {
  test("keeps the order and the limit", async () => {
    let running = 0;
    let most = 0;
    const results = await inOrder([3, 1, 2, 0, 5], 2, async (item) => {
      most = Math.max(most, ++running);
      for (let turn = 0; turn < item; turn++) await Promise.resolve();
      running--;
      return item * 2;
    });
    expect(results).toEqual([6, 2, 4, 0, 10]);
    expect(most).toBe(2);
  });

  test("begins nothing more once something has failed", async () => {
    const begun: number[] = [];
    const work = (item: number) => {
      begun.push(item);
      return item === 1 ? Promise.reject(new Error("no")) : Promise.resolve(item);
    };
    await expect(inOrder([0, 1, 2, 3, 4, 5, 6], 2, work)).rejects.toThrow("no");
    expect(begun.length).toBeLessThan(5);
  });
});
