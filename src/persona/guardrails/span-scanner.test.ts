import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Replacement, replaceSpans, SpanScanner } from "./span-scanner.ts";

/** Stars for `cat`, nothing for `dog`: that blocks. */
function find(text: string): Replacement[] {
  return [...text.matchAll(/\bcat\b|\bdog\b/g)].map(({ 0: word, index }) => ({
    start: index,
    end: index + word.length,
    text: word === "cat" ? "***" : undefined,
  }));
}

function inPieces(pieces: readonly string[], longest = 5): { text: string; isBlocked: boolean } {
  const scanner = new SpanScanner(longest, find);
  let text = "";
  for (const piece of pieces) {
    const scanned = scanner.push(piece);
    text += scanned.text;
    if (scanned.isBlocked) return { text, isBlocked: true };
  }
  const rest = scanner.end();
  return { text: text + rest.text, isBlocked: rest.isBlocked };
}

test("however a text is cut, the same is found in it", () => {
  const word = fc.constantFrom("cat", "dog", "category", "bobcat", "a", " ", " ", "🦙", "\n");
  fc.assert(
    fc.property(fc.array(word, { maxLength: 30 }), fc.array(fc.nat(8), { maxLength: 60 }), (words, cuts) => {
      const text = words.join("");
      const pieces: string[] = [];
      let at = 0;
      for (const length of cuts) pieces.push(text.slice(at, at += length));
      pieces.push(text.slice(at));
      expect(inPieces(pieces)).toEqual(replaceSpans(text, find));
    }),
  );
});

test("no more is held back than the longest part", () => {
  const scanner = new SpanScanner(5, find);
  expect(scanner.push("abcdefgh").text).toBe("abc");
  expect(scanner.push("ij").text).toBe("de");
  expect(scanner.end().text).toBe("fghij");
});

test("nothing of a part goes on before it is known", () => {
  const scanner = new SpanScanner(5, find);
  const said = [..."my cat and 12345"].map((letter) => scanner.push(letter).text).join("") +
    scanner.end().text;
  expect(said).toBe("my *** and 12345");
});

test("half of a character does not go on alone", () => {
  const scanner = new SpanScanner(2, () => []);
  const pieces = ["ab🦙", "cd", "🦙e"].map((piece) => scanner.push(piece).text);
  for (const piece of pieces) expect(piece.isWellFormed()).toBe(true);
  expect(pieces.join("") + scanner.end().text).toBe("ab🦙cd🦙e");
});

test("each part is told of once", () => {
  let used = 0;
  const scanner = new SpanScanner(
    10,
    (text) => find(text).map((span) => ({ ...span, use: () => void used++ })),
  );
  for (const letter of "a cat and a cat sit here together") scanner.push(letter);
  scanner.end();
  expect(used).toBe(2);
});
