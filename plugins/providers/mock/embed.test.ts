import { expect, test } from "bun:test";
import { isUpstreamError } from "intellirouter/plugin";
import { failureOf } from "./answer.ts";
import { embed } from "./embed.ts";

test("what would take too long is refused as the client's mistake", () => {
  for (
    const [field, request] of [
      ["dimensions", { input: "a", dimensions: 1e15 }],
      ["input", { input: new Array<string>(2049).fill("a") }],
    ] as const
  ) {
    try {
      embed({ model: "mock-embedding", ...request });
      throw new Error("was not refused");
    } catch (error) {
      expect(isUpstreamError(error)).toBe(true);
      expect(error).toMatchObject({ kind: "invalid_request", status: 400, param: field });
    }
  }
  expect(embed({ model: "m", input: "a ".repeat(1e6), dimensions: 4096 }).data[0]!.embedding).toHaveLength(
    4096,
  );
});

test("names that every object has are no failures", () => {
  for (const name of ["constructor", "toString", "__proto__"]) expect(failureOf(name)).toBeUndefined();
});
