import { expect, test } from "bun:test";
import { Generations } from "./generations.ts";

function generation(name: string, disposed: string[]) {
  return { name, dispose: () => Promise.resolve(void disposed.push(name)) };
}

test("a replaced generation is disposed when its last holder lets go", async () => {
  const disposed: string[] = [];
  const generations = new Generations(generation("first", disposed), () => {});
  const one = generations.acquire();
  const two = generations.acquire();
  generations.replace(generation("second", disposed));
  expect(generations.acquire().generation.name).toBe("second");
  one.release();
  expect(disposed).toEqual([]);
  two.release();
  expect(disposed).toEqual(["first"]);
  await generations.close();
});

test("an unused generation is disposed at once when replaced", () => {
  const disposed: string[] = [];
  const generations = new Generations(generation("first", disposed), () => {});
  generations.acquire().release();
  expect(disposed).toEqual([]);
  generations.replace(generation("second", disposed));
  expect(disposed).toEqual(["first"]);
});

test("a generation that fails to dispose is reported and does not disturb", async () => {
  const errors: unknown[] = [];
  const broken = { dispose: () => Promise.reject(new Error("stuck")) };
  const generations = new Generations(broken, (error) => errors.push(error));
  await generations.close();
  expect(errors).toHaveLength(1);
});
