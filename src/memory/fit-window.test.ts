import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { ResponseItem } from "../schema/response.ts";
import { fitWindow, isInstruction } from "./fit-window.ts";
import { itemTokens } from "./item-tokens.ts";

const say = (role: "user" | "assistant" | "system" | "developer", content: string): ResponseItem => ({
  type: "message",
  role,
  content,
});
const call = (id: string): ResponseItem => ({
  type: "function_call",
  call_id: id,
  name: "f",
  arguments: "{}",
});
const result = (id: string): ResponseItem => ({ type: "function_call_output", call_id: id, output: "done" });
const thought: ResponseItem = { type: "reasoning", id: "rs", summary: [] };

const keptOf = (items: readonly ResponseItem[], tokens: number, awaited?: ReadonlySet<string>) => {
  const kept = fitWindow(items, { tokens, ...(awaited === undefined ? {} : { awaited }) });
  return items.filter((_, index) => kept[index]);
};
const cost = (items: readonly ResponseItem[]) => items.reduce((sum, item) => sum + itemTokens(item), 0);

describe("what is sent along of a conversation", () => {
  const old = say("user", "old ".repeat(50));
  const answer = say("assistant", "fine");
  const last = say("user", "last");

  test("is all of it where it fits, and the newest where it does not", () => {
    const items = [old, answer, last];
    expect(keptOf(items, cost(items))).toEqual(items);
    expect(keptOf(items, cost(items) - 1)).toEqual([answer, last]);
    expect(keptOf(items, 0)).toEqual([]);
  });

  test("has no hole: what is older than what does not fit is left out, too", () => {
    expect(keptOf([say("user", "a"), old, last], 20)).toEqual([last]);
  });

  test("has every instruction, which count", () => {
    const rule = say("system", "Be brief.");
    const late = say("developer", "And kind.");
    expect(keptOf([rule, old, late, last], cost([rule, late, last]))).toEqual([rule, late, last]);
    expect(keptOf([rule, old, late, last], 0)).toEqual([rule, late]);
  });

  test("has calls with all of their results, or neither", () => {
    const tools = [thought, call("1"), call("2"), result("1"), result("2")];
    const items = [old, ...tools, answer];
    expect(keptOf(items, cost([...tools, answer]))).toEqual([...tools, answer]);
    expect(keptOf(items, cost([...tools, answer]) - 1)).toEqual([answer]);
  });

  test("has the call whose result the new turn brings, even where it does not fit", () => {
    const items = [old, thought, call("1")];
    expect(keptOf(items, 0, new Set(["1"]))).toEqual([thought, call("1")]);
  });

  test("has no result whose call is gone", () => {
    expect(keptOf([result("gone"), last], 1000)).toEqual([last]);
  });
});

describe("laws", () => {
  const itemArbitrary = fc.oneof(
    fc.tuple(fc.constantFrom("user", "assistant", "system", "developer"), fc.string({ maxLength: 80 }))
      .map(([role, text]) => say(role, text)),
    fc.constantFrom("1", "2", "3", "4").map(call),
    fc.constantFrom("1", "2", "3", "4").map(result),
    fc.constant(thought),
  );
  const conversations = fc.array(itemArbitrary, { maxLength: 30 });

  test("no kept result is without a call, no kept call without a result that is there", () => {
    fc.assert(fc.property(conversations, fc.nat(300), (items, tokens) => {
      const kept = fitWindow(items, { tokens });
      items.forEach((item, index) => {
        if (!kept[index]) return;
        const partner = (type: string) => (other: ResponseItem) =>
          other.type === type && other.call_id === item.call_id;
        if (item.type === "function_call_output") {
          expect(items.some((other, at) => kept[at] && partner("function_call")(other))).toBe(true);
        }
        if (item.type === "function_call" && items.slice(index).some(partner("function_call_output"))) {
          expect(items.some((other, at) => at > index && kept[at] && partner("function_call_output")(other)))
            .toBe(true);
        }
      });
    }));
  });

  test("instructions are never dropped, and the rest never costs more than is left", () => {
    fc.assert(fc.property(conversations, fc.nat(300), (items, tokens) => {
      const kept = fitWindow(items, { tokens });
      items.forEach((item, index) => {
        if (isInstruction(item)) expect(kept[index]).toBe(true);
      });
      const chosen = items.filter((_, index) => kept[index]);
      const rules = cost(chosen.filter(isInstruction));
      expect(cost(chosen)).toBeLessThanOrEqual(Math.max(tokens, rules));
    }));
  });

  test("the same conversation gives the same part, and more room never less of it", () => {
    fc.assert(fc.property(conversations, fc.nat(300), fc.nat(100), (items, tokens, more) => {
      const kept = fitWindow(items, { tokens });
      expect(fitWindow(structuredClone(items), { tokens })).toEqual(kept);
      const wider = fitWindow(items, { tokens: tokens + more });
      kept.forEach((is, index) => expect(!is || wider[index]).toBe(true));
    }));
  });
});
