import { expect, test } from "bun:test";
import { PriceBook } from "./price-book.ts";

test("nothing is known before the data is loaded, and nothing is remembered of that", async () => {
  const book = new PriceBook();
  expect(book.loaded).toBe(false);
  expect(book.find("openai", "gpt-4o-mini")).toBeUndefined();
  await book.load();
  expect(book.loaded).toBe(true);
  expect(book.find("openai", "gpt-4o-mini")).toBeDefined();
});

test("a known model has prices for a million tokens and a context length", async () => {
  const book = new PriceBook();
  await book.load();
  const entry = book.find("openai", "gpt-4o-mini")!;
  expect(entry.price?.input).toBeGreaterThan(0.01);
  expect(entry.price?.input).toBeLessThan(10);
  expect(entry.price?.output).toBeGreaterThan(entry.price!.input);
  expect(entry.price?.cachedInput).toBeLessThan(entry.price!.input);
  expect(entry.contextLength).toBe(128_000);
  expect(book.find("openai", "gpt-4o-mini")).toBe(entry);
});

test("unknown models and vendors have none", async () => {
  const book = new PriceBook();
  await book.load();
  expect(book.find("openai", "no-such-model")).toBeUndefined();
  expect(book.find("no-such-vendor", "gpt-4o-mini")).toBeUndefined();
  expect(book.find("openai", "")).toBeUndefined();
});
