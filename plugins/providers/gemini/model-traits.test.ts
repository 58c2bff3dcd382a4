import { expect, test } from "bun:test";
import { modelTraits } from "./model-traits.ts";

test("models of the second generation count tokens of thought, and give several answers", () => {
  expect(modelTraits("gemini-2.5-flash")).toMatchObject({
    thinking: "budget",
    leastThinking: 0,
    needsSignatures: false,
    candidates: 8,
    penalties: false,
  });
  expect(modelTraits("models/gemini-2.5-pro-preview-06-05")).toMatchObject({ leastThinking: 128 });
  expect(modelTraits("gemini-2.0-flash")).toMatchObject({ thinking: "none", penalties: true });
  expect(modelTraits("gemini-2.5-flash-image")).toMatchObject({ candidates: 1 });
});

test("newer models, and names without a number, have levels of thought and want their signatures", () => {
  for (
    const name of ["gemini-3-flash-preview", "gemini-3.8-flash", "gemini-4-argon", "gemini-flash-latest"]
  ) {
    expect(modelTraits(name)).toMatchObject({ thinking: "level", needsSignatures: true, candidates: 1 });
  }
  expect(modelTraits("gemini-3.1-pro-preview").leastThinking).toBe("low");
  expect(modelTraits("gemini-flash-latest").leastThinking).toBe("minimal");
});

test("Gemma neither thinks nor needs signatures", () => {
  expect(modelTraits("gemma-3-27b-it")).toMatchObject({
    thinking: "none",
    needsSignatures: false,
    systemInstruction: false,
  });
});
