import { expect, test } from "bun:test";
import type { ChatCompletionRequest } from "intellirouter/plugin";
import { planThinking, type ThinkingContext } from "./encode-thinking.ts";
import { modelTraits } from "./model-traits.ts";

const options = { thinking: "auto", thinking_display: "summarized", structured_output: "auto" } as const;

function plan(model: string, fields: object, changes: Partial<ThinkingContext> = {}) {
  const losses: string[] = [];
  const request = { model, messages: [{ role: "user", content: "x" }], ...fields } as ChatCompletionRequest;
  const { thinking, effort } = planThinking(request, {
    traits: modelTraits(model),
    options,
    lose: (field, effect) => void losses.push(`${field}: ${effect}`),
    maxTokens: 64_000,
    isForced: false,
    ...changes,
  });
  return [thinking, effort, losses];
}

const old = "claude-sonnet-4-5";
const budget = (tokens: number) => ({ type: "enabled", budget_tokens: tokens });
const adaptive = { type: "adaptive", display: "summarized" };

test("who asks for nothing gets what the model does by itself", () => {
  for (const model of [old, "claude-sonnet-5", "claude-opus-5-5"]) {
    expect(plan(model, {})).toEqual([undefined, undefined, []]);
  }
});

test("an effort is a budget on older models, within the limit of the answer", () => {
  expect(plan(old, { reasoning_effort: "minimal" })).toEqual([budget(1_024), undefined, []]);
  expect(plan(old, { reasoning_effort: "high" })).toEqual([budget(24_576), undefined, []]);
  expect(plan(old, { reasoning_effort: "high" }, { maxTokens: 4_000 })).toEqual([
    budget(3_000),
    undefined,
    [],
  ]);
  expect(plan(old, { reasoning_effort: "high" }, { maxTokens: 1_000 })).toEqual([
    undefined,
    undefined,
    ["reasoning_effort: dropped"],
  ]);
});

test("an effort is an effort on newer models, the next lower where it is not known", () => {
  expect(plan("claude-opus-4-6", { reasoning_effort: "xhigh" })).toEqual([
    { type: "adaptive" },
    "high",
    ["reasoning_effort: approximated"],
  ]);
  expect(plan("claude-opus-5-5", { reasoning_effort: "max" })).toEqual([adaptive, "max", []]);
  expect(plan("claude-opus-5-5", { reasoning_effort: "colossal" })).toEqual([adaptive, "colossal", []]);
});

test("none is none where the model can, and the least where it cannot", () => {
  const none = { reasoning_effort: "none" };
  expect(plan(old, none)).toEqual([undefined, undefined, []]);
  expect(plan("claude-sonnet-5", none)).toEqual([{ type: "disabled" }, undefined, []]);
  expect(plan("claude-sonnet-5-5", none)).toEqual([
    { type: "between_tools" },
    undefined,
    ["reasoning_effort: approximated"],
  ]);
  expect(plan("claude-fable-5", { thinking: { type: "disabled" } })).toEqual([
    undefined,
    "low",
    ["thinking: approximated"],
  ]);
});

test("Anthropic's own words go as they are where the model takes them", () => {
  expect(plan(old, { thinking: budget(9_000) })).toEqual([budget(9_000), undefined, []]);
  expect(plan("claude-opus-4-6", { thinking: budget(9_000) })).toEqual([budget(9_000), undefined, []]);
  const own = { type: "adaptive", display: "omitted" };
  expect(plan("claude-opus-5", { thinking: own, reasoning_effort: "low" })).toEqual([own, "low", []]);
  expect(plan("claude-opus-5", { thinking: budget(30_000) })).toEqual([
    adaptive,
    "high",
    ["thinking: approximated"],
  ]);
  expect(plan(old, { thinking: own })).toEqual([budget(8_192), undefined, ["thinking: approximated"]]);
});

test("a forced call goes without thinking, and keeps its effort", () => {
  const forced = { isForced: true };
  expect(plan("claude-opus-5", { reasoning_effort: "low" }, forced)).toEqual([
    undefined,
    "low",
    ["reasoning_effort: approximated"],
  ]);
});

test("the operator may know better than the name", () => {
  const change = (changes: object) => ({ options: { ...options, ...changes } });
  expect(plan("kimi-k2", { reasoning_effort: "low" }, change({ thinking: "adaptive" }))).toEqual([
    { type: "adaptive" },
    undefined,
    [],
  ]);
  expect(plan("claude-opus-5-5", { reasoning_effort: "low" }, change({ thinking_display: "model" }))).toEqual(
    [
      { type: "adaptive" },
      "low",
      [],
    ],
  );
});

test("models that do not think are told nothing", () => {
  expect(plan("claude-3-5-haiku-latest", { reasoning_effort: "low" })).toEqual([
    undefined,
    undefined,
    ["reasoning_effort: dropped"],
  ]);
});
