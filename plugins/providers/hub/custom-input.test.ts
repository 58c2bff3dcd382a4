import { expect, test } from "bun:test";
import fc from "fast-check";
import { InputReader, unwrapInput, wrapInput } from "./custom-input.ts";

test("a text comes out as it went in, wherever its JSON is cut", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 60 });
  fc.assert(
    fc.property(text, fc.boolean(), fc.array(fc.nat(400), { maxLength: 6 }), (given, escapes, cuts) => {
      const plain = wrapInput(given);
      const json = escapes
        ? plain.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
        : plain;
      const ends = [...new Set([0, ...cuts.map((cut) => cut % json.length), json.length])].sort((a, b) =>
        a - b
      );
      const reader = new InputReader();
      const pieces = ends.slice(1).map((end, index) => reader.push(json.slice(ends[index], end)));
      expect(pieces.join("") + reader.rest()).toBe(given);
      for (const piece of pieces) if (given.isWellFormed()) expect(piece.isWellFormed()).toBe(true);
    }),
  );
});

test("arguments of another shape are given as they are, and none as nothing", () => {
  for (const text of ['{"code":"x"}', '{"input":5}', "plain words", "{"]) {
    expect(unwrapInput(text)).toBe(text);
  }
  expect(unwrapInput("{}")).toBe("");
  expect(unwrapInput("")).toBe("");
});

test("what follows the text is not part of it, and line breaks may be bare", () => {
  expect(unwrapInput('{ "input" : "a\nb\\t" , "more": "c" }')).toBe("a\nb\t");
});
