import { describe, expect, test } from "bun:test";
import { loseTo } from "../hub/losses.ts";
import { encodeThinking } from "./encode-thinking.ts";
import { modelTraits } from "./model-traits.ts";
import { geminiOptions } from "./options.ts";

function think(model: string, fields: object, options: object = {}) {
  const told: string[] = [];
  const config = encodeThinking({ model, messages: [], ...fields } as never, {
    options: geminiOptions.parse(options),
    dialect: { callIds: true, serviceTiers: true, refusesPenalties: true },
    traits: modelTraits(model),
    files: new Map(),
    lose: loseTo(({ field, effect }) => void told.push(`${field}: ${effect}`)),
  });
  return { config, told };
}

const near = ["reasoning_effort: approximated"];

describe("encodeThinking", () => {
  test("efforts become tokens where tokens are counted", () => {
    const budget = (model: string, reasoning_effort: string) => {
      const { config, told } = think(model, { reasoning_effort });
      return [config?.thinkingBudget, told];
    };
    expect(budget("gemini-2.5-flash", "none")).toEqual([0, []]);
    expect(budget("gemini-2.5-pro", "none")).toEqual([128, near]);
    expect(budget("gemini-2.5-flash", "minimal")).toEqual([1_024, []]);
    expect(budget("gemini-2.5-flash", "low")).toEqual([1_024, []]);
    expect(budget("gemini-2.5-flash", "medium")).toEqual([8_192, []]);
    expect(budget("gemini-2.5-flash", "high")).toEqual([24_576, []]);
    expect(budget("gemini-2.5-pro", "xhigh")).toEqual([32_768, near]);
    expect(budget("gemini-2.5-pro", "max")).toEqual([32_768, []]);
  });

  test("efforts become levels where there are levels", () => {
    const level = (model: string, reasoning_effort: string) => {
      const { config, told } = think(model, { reasoning_effort });
      return [config?.thinkingLevel, told];
    };
    expect(level("gemini-3-flash-preview", "none")).toEqual(["minimal", near]);
    expect(level("gemini-3.1-pro-preview", "none")).toEqual(["low", near]);
    expect(level("gemini-3.1-pro-preview", "minimal")).toEqual(["low", near]);
    expect(level("gemini-3.1-pro-preview", "medium")).toEqual(["medium", []]);
    expect(level("gemini-flash-latest", "max")).toEqual(["high", near]);
  });

  test("thoughts are told when reasoning is asked for, always or never", () => {
    const shows = (fields: object, options: object = {}) =>
      think("gemini-3-flash-preview", fields, options).config?.includeThoughts;
    expect(shows({ reasoning_effort: "low" })).toBe(true);
    expect(shows({ reasoning_effort: "none" })).toBeUndefined();
    expect(shows({})).toBeUndefined();
    expect(shows({}, { thoughts: "always" })).toBe(true);
    expect(shows({ reasoning_effort: "low" }, { thoughts: "never" })).toBeUndefined();
  });

  test("the API's own object wins, in either spelling", () => {
    const own = { thinking_config: { thinking_budget: 99, includeThoughts: false } };
    expect(think("gemini-2.5-flash", { reasoning_effort: "high", ...own }).config).toEqual({
      thinkingBudget: 99,
      includeThoughts: false,
    });
    expect(think("gemini-2.5-flash", { extra_body: { google: own } }).config).toMatchObject({
      thinkingBudget: 99,
    });
  });

  test("models that do not think are not asked to", () => {
    expect(think("gemini-2.0-flash", { reasoning_effort: "high" })).toEqual({
      config: undefined,
      told: ["reasoning_effort: dropped"],
    });
    expect(think("gemini-2.0-flash", { reasoning_effort: "none" }, { thoughts: "always" })).toEqual({
      config: undefined,
      told: [],
    });
    expect(() => think("gemini-2.5-flash", { reasoning_effort: "enormous" })).toThrow("must be one of");
  });
});
