import { expect, test } from "bun:test";
import { boundTokens } from "./prompt-size.ts";

test("every text of a request counts, wherever it stands", () => {
  const long = "word ".repeat(600);
  for (
    const body of [
      { messages: [{ role: "user", content: long }] },
      { messages: [{ role: "assistant", reasoning_content: long }] },
      { response_format: { json_schema: { schema: { description: long } } } },
      { messages: [{ role: "tool", content: [{ type: "text", text: long }] }] },
      { tools: [{ function: { description: long } }] },
    ]
  ) {
    expect(boundTokens(body)).toBeGreaterThanOrEqual(1_000);
    expect(boundTokens(body)).toBeLessThan(1_100);
  }
});

test("scripts other than Latin have about a token a character", () => {
  expect(boundTokens("\u4eca\u5929".repeat(500))).toBeGreaterThanOrEqual(1_000);
  expect(boundTokens("caf\u00e9 ".repeat(300))).toBeLessThan(1_000);
});

test("what is encoded counts by its size", () => {
  const image = "A".repeat(30_000);
  expect(boundTokens({ image_url: { url: `data:image/png;base64,${image}` } })).toBeLessThan(3_000);
  expect(boundTokens({ file: { file_data: "A".repeat(4_000_000) } })).toBeGreaterThan(150_000);
});
