import { expect, test } from "bun:test";
import fc from "fast-check";
import { chunkText } from "./chunk-text.ts";

test("texts are cut where they may be: paragraphs, lines, sentences, words", () => {
  expect(chunkText("One one.\n\nTwo two. Three", 13)).toEqual(["One one.\n\n", "Two two. ", "Three"]);
  expect(chunkText("alpha beta gamma", 11)).toEqual(["alpha beta ", "gamma"]);
  expect(chunkText("abcdefgh", 3)).toEqual(["abc", "def", "gh"]);
  expect(chunkText("", 10)).toEqual([]);
});

test("the pieces are the text, none is too long, and no character is cut", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme", maxLength: 300 }),
      fc.integer({ min: 2, max: 40 }),
      (text, size) => {
        const chunks = chunkText(text, size);
        expect(chunks.join("")).toBe(text);
        for (const chunk of chunks) {
          expect(chunk.length).toBeLessThanOrEqual(size);
          expect(chunk.length).toBeGreaterThan(0);
          expect(chunk.isWellFormed()).toBe(true);
        }
      },
    ),
  );
});

test("there must be room for a character", () => {
  expect(() => chunkText("abc", 1)).toThrow("room");
});
