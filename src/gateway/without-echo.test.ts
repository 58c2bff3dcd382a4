import { describe, expect, test } from "bun:test";
import { leftOut, withoutEcho } from "./without-echo.ts";

describe("what a backend says, without what it repeats", () => {
  const prompt = "\u0000user\u0000My name is John Smith, and my card is 4111 1111 1111 1111.";
  test.each([
    ["Invalid value: 'My name is John Smith, and my card is 4111 1111 1111 1111.'", "Invalid value: '[…]'"],
    ["The card 4111 1111 1111 1111 is not allowed", "The card[…]is not allowed"],
    ["too many tokens: 12 of 10", "too many tokens: 12 of 10"],
    ["John Smith", "[…]"],
    ["", ""],
    ["short", "short"],
  ])("%s", (text, left) => {
    expect(withoutEcho(text, prompt)).toBe(left);
  });

  test("without a prompt, or with one that is too long to compare, nothing is kept", () => {
    expect(withoutEcho("anything", undefined)).toBe(leftOut);
    expect(withoutEcho("anything", "x".repeat(70_000))).toBe(leftOut);
  });

  test("endless words are cut", () => {
    expect(withoutEcho("y".repeat(10_000), prompt).length).toBeLessThan(500);
  });
});
