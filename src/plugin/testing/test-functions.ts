/** What a contract kit needs of a test runner; `bun:test`, `vitest` and `node:test` with `expect` all have it. */
export interface TestFunctions {
  describe(name: string, body: () => void): void;
  test(name: string, body: () => void | Promise<void>): void;
  // deno-lint-ignore no-explicit-any -- every runner types its own matchers.
  expect(value: unknown): any;
}

/** Tests that an implementation does not run, each with the reason. */
export type Skips = readonly { readonly reason: string; readonly tests: readonly string[] }[];

/** The runner's `test`, leaving out what is skipped. A skip that names no test of the kit is an error. */
export function withSkips(functions: TestFunctions, skip: Skips = []): {
  readonly test: TestFunctions["test"];
  /** Call it when all tests are declared. */
  readonly checkSkips: () => void;
} {
  const skipped = new Set(skip.flatMap((entry) => entry.tests));
  const unused = new Set(skipped);
  return {
    test: (name, body) => {
      unused.delete(name);
      if (!skipped.has(name)) functions.test(name, body);
    },
    checkSkips: () => {
      if (unused.size > 0) throw new Error(`The kit has no test named: ${[...unused].join(", ")}`);
    },
  };
}
