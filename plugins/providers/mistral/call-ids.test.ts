import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { MistralCallIds } from "./call-ids.ts";

describe("MistralCallIds", () => {
  test("ids have the form that Mistral takes, and are the same in every request", () => {
    fc.assert(fc.property(fc.string(), (id) => {
      const made = new MistralCallIds([]).encode(id);
      expect(made).toMatch(/^[a-zA-Z0-9]{9}$/);
      expect(new MistralCallIds([]).encode(id)).toBe(made);
    }));
  });

  test("Mistral's own stay as they are", () => {
    expect(new MistralCallIds(["Ab3dEf6hI"]).encode("Ab3dEf6hI")).toBe("Ab3dEf6hI");
  });

  test("different ids stay different, also when another has the name that one would get", () => {
    const made = new MistralCallIds([]).encode("call_1");
    const ids = new MistralCallIds(["call_1", made]);
    const others = ["call_1", made, "call_2"].map((id) => ids.encode(id));
    expect(others[1]).toBe(made);
    expect(new Set(others).size).toBe(3);
    expect(ids.encode("call_1")).toBe(others[0]!);
  });
});
