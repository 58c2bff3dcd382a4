import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { catalogModel } from "../../test/support/router-fixtures.ts";
import { noHints, readHints } from "./hints.ts";

const model = catalogModel("cloud/org/small:v1", { inputPrice: 1, outputPrice: 4 });

function refuses(header: string, value: string, target = model): boolean {
  return readHints(new Headers({ [header]: value })).refuses(target) !== undefined;
}

test("without hints nothing is refused, and nothing is made", () => {
  expect(readHints(new Headers({ accept: "*/*" }))).toBe(noHints);
});

describe("x-intellirouter-only and -ignore", () => {
  for (
    const entry of [
      "cloud/org/small:v1",
      "cloud",
      "local, cloud",
      "cloud/*",
      "*/org/*",
      "*small*",
      "*",
      "c*d",
      "cloud/org/*:v1",
    ]
  ) {
    test(`"${entry}" names the target`, () => {
      expect(refuses("x-intellirouter-only", entry)).toBe(false);
      expect(refuses("x-intellirouter-ignore", entry)).toBe(true);
    });
  }

  for (
    const entry of [
      "local",
      "cloud/org/small",
      "small:v1",
      "cloud/*x",
      "*/large*",
      "Cloud",
      "cloud/org/small:v1*x",
      "cloud/org/sm*small:v1",
    ]
  ) {
    test(`"${entry}" does not`, () => {
      expect(refuses("x-intellirouter-only", entry)).toBe(true);
      expect(refuses("x-intellirouter-ignore", entry)).toBe(false);
    });
  }
});

describe("price limits", () => {
  test("a dearer target is refused, one at the limit is not", () => {
    expect(refuses("x-intellirouter-max-price-input", "0.99")).toBe(true);
    expect(refuses("x-intellirouter-max-price-input", "1")).toBe(false);
    expect(refuses("x-intellirouter-max-price-output", "3.99")).toBe(true);
    expect(refuses("x-intellirouter-max-price-output", "4")).toBe(false);
  });

  test("a target of unknown price is refused", () => {
    expect(refuses("x-intellirouter-max-price-input", "1000", catalogModel("a/b"))).toBe(true);
  });
});

test("the time limit is read", () => {
  expect(readHints(new Headers({ "x-intellirouter-timeout-ms": "2500" })).timeoutMs).toBe(2_500);
});

describe("a malformed hint is refused by its name", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["x-intellirouter-timeout-ms", "0"],
    ["x-intellirouter-timeout-ms", "-5"],
    ["x-intellirouter-timeout-ms", "soon"],
    ["x-intellirouter-timeout-ms", "Infinity"],
    ["x-intellirouter-max-price-input", "NaN"],
    ["x-intellirouter-max-price-output", "-1"],
    ["x-intellirouter-max-price-output", "1 USD"],
    ["x-intellirouter-only", ""],
    ["x-intellirouter-only", " , "],
    ["x-intellirouter-ignore", ""],
  ];
  for (const [header, value] of cases) {
    test(`${header}: "${value}"`, () => {
      expect(() => readHints(new Headers({ [header]: value }))).toThrow(header);
    });
  }
});

test("property: a `*` pattern agrees with the regular expression it stands for", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", "/"), maxLength: 12 });
  const pattern = fc.string({ unit: fc.constantFrom("a", "b", "/", "*"), minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(text, pattern, (id, entry) => {
      const target = { ...model, id, provider: id };
      const expected = new RegExp(`^${entry.replaceAll("*", ".*")}$`).test(id);
      expect(refuses("x-intellirouter-ignore", entry, target)).toBe(expected);
    }),
    { numRuns: 2_000 },
  );
});

test("a pattern of many stars costs no time", () => {
  const target = { ...model, id: `${"a".repeat(20_000)}b` };
  expect(refuses("x-intellirouter-ignore", `${"*a".repeat(500)}*c`, target)).toBe(false);
});
