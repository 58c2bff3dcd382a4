import { expect, test } from "bun:test";
import { CallIds } from "./call-ids.ts";

test("plain ids stay, others become plain, equal ones equal and different ones different", () => {
  const ids = new CallIds();
  expect(ids.encode("toolu_01-x")).toBe("toolu_01-x");
  expect(ids.encode("functions.f:0")).toBe("functions_f_0");
  expect(ids.encode("functions.f.0")).toBe("functions_f_0_2");
  expect(ids.encode("functions.f:0")).toBe("functions_f_0");
  expect(ids.encode("")).toBe("call");
});

test("long ids are cut and stay different", () => {
  const ids = new CallIds(8);
  const made = ["a".repeat(20), "a".repeat(21)].map((id) => ids.encode(id));
  expect(made).toEqual(["aaaaaaaa", "aaaaaa_2"]);
});

test("short ids have nine letters and digits", () => {
  const ids = new CallIds(64, true);
  expect(["x", "y", "x"].map((id) => ids.encode(id))).toEqual(["c00000000", "c00000001", "c00000000"]);
});
