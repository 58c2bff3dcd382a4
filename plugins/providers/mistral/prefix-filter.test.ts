import { describe, expect, test } from "bun:test";
import { PrefixFilter } from "./prefix-filter.ts";

function filter(prefix: string, pieces: readonly string[]): string {
  const made = new PrefixFilter(prefix);
  return pieces.map((piece) => made.push(piece)).join("") + made.end();
}

describe("PrefixFilter", () => {
  test("takes the prefix away however it is cut", () => {
    const text = "It will rain.";
    for (let cut = 0; cut <= text.length; cut++) {
      expect(filter("It will", [text.slice(0, cut), text.slice(cut)])).toBe(" rain.");
    }
  });

  test("leaves an answer that does not begin with it", () => {
    expect(filter("It will", ["It ", "rains."])).toBe("It rains.");
    expect(filter("It will", ["It wi"])).toBe("It wi");
    expect(filter("It will", ["Rain. It will"])).toBe("Rain. It will");
    expect(filter("", ["Rain."])).toBe("Rain.");
  });

  test("takes it away once", () => {
    expect(filter("ha", ["ha", "ha", "ha"])).toBe("haha");
  });
});
