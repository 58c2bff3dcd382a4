import { expect, test } from "bun:test";
import { WholeCharacters } from "./whole-characters.ts";

test("a half at the end waits for the other, each field for its own", () => {
  const characters = new WholeCharacters();
  expect(characters.whole("content", "a\ud83d")).toBe("a");
  expect(characters.waiting).toBe(true);
  expect(characters.whole("reasoning", "b")).toBe("b");
  expect(characters.whole("content", "\ude00c")).toBe("\u{1F600}c");
  expect(characters.waiting).toBe(false);
  expect(characters.rest("content")).toBe("");
});

test("a half whose other never comes is told as one that could not be read", () => {
  const characters = new WholeCharacters();
  expect(characters.whole("content", "\ud83d")).toBe("");
  expect(characters.whole("content", "a")).toBe("\ufffda");
  expect(characters.whole("content", "\ude00b\ud83d")).toBe("\ufffdb");
  expect(characters.rest("content")).toBe("\ufffd");
  expect(characters.waiting).toBe(false);
});
