import { describe, expect, test } from "bun:test";
import { FakeClock } from "../../../test/support/fake-clock.ts";
import type { Guardrail, Span } from "../../plugin/api/guardrail.ts";
import { guardrailSchema, type GuardrailSettings } from "../../schema/guardrail.ts";
import { Blocked, GuardedExchange, type GuardrailRule, type GuardVerdict } from "./guarded-exchange.ts";

function rule(guardrail: Guardrail, settings: Partial<GuardrailSettings> = {}): GuardrailRule {
  return { settings: guardrailSchema.parse({ name: "rule", kind: "own", ...settings }), guardrail };
}

/** Objects to numbers. */
function numbers(span: Partial<Span> = {}): Guardrail {
  return {
    longest: 10,
    find: ({ text }) =>
      [...text.matchAll(/\d+/g)].map(({ 0: digits, index }) => ({
        start: index,
        end: index + digits.length,
        reason: "number",
        ...span,
      })),
  };
}

function exchange(...rules: GuardrailRule[]) {
  const verdicts: string[] = [];
  const clock = new FakeClock();
  const guarded = new GuardedExchange(rules, {
    clock,
    signal: new AbortController().signal,
    responseSchema: undefined,
    ask: () => Promise.resolve("asked"),
    onVerdict: ({ rule: { name }, direction, verdict, reason }: GuardVerdict) =>
      void verdicts.push(`${name} ${direction} ${verdict} ${reason}`),
  });
  const input = (text: string, more: object = {}, isNew = true) =>
    guarded.guard({ text, direction: "input", role: "user", kind: "text", ...more }, isNew);
  const output = (text: string, more: object = {}) =>
    guarded.guard({ text, direction: "output", role: "assistant", kind: "text", ...more });
  return { guarded, verdicts, clock, input, output };
}

const outcome = (promise: Promise<string>) =>
  promise.catch((error) => (error instanceof Blocked ? "blocked" : error));

async function inPieces(channel: ReturnType<GuardedExchange["channel"]>, text: string): Promise<string> {
  let said = "";
  for (const letter of text) said += channel.push(letter);
  return said + await channel.end();
}

describe("what is found", () => {
  test("is replaced, blocked, or stands under a placeholder that the answer loses again", async () => {
    expect(await exchange(rule(numbers({ replacement: "#" }))).input("a 1 and 22")).toBe("a # and #");
    const blocking = exchange(rule(numbers()));
    expect(await outcome(blocking.input("a 1"))).toBe("blocked");
    expect(blocking.verdicts).toEqual(["rule input blocked number"]);
    const { input, output, guarded } = exchange(rule(numbers({ label: "NUMBER" }), { applies_to: "input" }));
    expect(await input("1, 2 and 1 again")).toBe("[NUMBER_1], [NUMBER_2] and [NUMBER_1] again");
    expect(await output("The first is [NUMBER_1], not [NUMBER_3].")).toBe("The first is 1, not [NUMBER_3].");
    expect(guarded.guardsOutput).toBe(true);
    expect(await inPieces(guarded.channel("text"), "It is [NUMBER_2]!")).toBe("It is 2!");
  });

  test("does not become a placeholder that a client has made up", async () => {
    const { input, output } = exchange(rule(numbers({ label: "NUMBER" })));
    expect(await input("[NUMBER_1]")).not.toBe("[NUMBER_1]");
    expect(await output("[NUMBER_9]")).not.toContain("undefined");
  });

  test("in arguments leaves them JSON", async () => {
    const { input } = exchange(rule(numbers({ replacement: '"#\\' })));
    const json = await input('{"card": 41111, "text": "no 5", "list": ["7"]}', { kind: "arguments" });
    expect(JSON.parse(json)).toEqual({ card: '"#\\', text: 'no "#\\', list: ['"#\\'] });
    expect(await input('{"plain": "text"}', { kind: "arguments" })).toBe('{"plain": "text"}');
    expect(await input("no json 1", { kind: "arguments" })).toBe('no json "#\\');
  });
});

describe("a rule", () => {
  test("holds for its direction, its roles and its turns", async () => {
    const replace = { replacement: "#" };
    expect(await exchange(rule(numbers(replace), { applies_to: "output" })).input("1")).toBe("1");
    expect(await exchange(rule(numbers(replace), { applies_to: "input" })).output("1")).toBe("1");
    expect(await exchange(rule(numbers(replace), { roles: ["tool"] })).input("1")).toBe("1");
    expect(await exchange(rule(numbers(replace), { roles: ["tool"] })).input("1", { role: "tool" })).toBe(
      "#",
    );
    expect(await exchange(rule(numbers(replace))).input("1", {}, false)).toBe("#");
    expect(await exchange(rule(numbers(replace), { turns: "last" })).input("1", {}, false)).toBe("1");
    const judge: Guardrail = { check: () => ({ verdict: "replace", text: "#", reason: "judged" }) };
    expect(await exchange(rule(judge)).input("1", {}, false)).toBe("1");
    expect(await exchange(rule(judge, { turns: "all" })).input("1", {}, false)).toBe("#");
  });

  test("in shadow is counted and changes nothing", async () => {
    const { input, guarded, verdicts } = exchange(rule(numbers(), { mode: "shadow" }));
    expect(await input("a 1")).toBe("a 1");
    expect(await inPieces(guarded.channel("text"), "b 2")).toBe("b 2");
    expect(verdicts).toEqual(["rule input blocked number", "rule output blocked number"]);
  });

  test("that fails blocks, or lets pass", async () => {
    const broken: Guardrail = { check: () => Promise.reject(new Error("no disk")) };
    const brokenSpans: Guardrail = {
      longest: 5,
      find: () => {
        throw new Error("no disk");
      },
    };
    for (const guardrail of [broken, brokenSpans]) {
      const blocking = exchange(rule(guardrail));
      expect(await outcome(blocking.input("text"))).toBe("blocked");
      expect(blocking.verdicts).toEqual(["rule input failed no disk"]);
      expect(await outcome(inPieces(blocking.guarded.channel("text"), "a longer text"))).toBe("blocked");
      const passing = exchange(rule(guardrail, { on_error: "pass" }));
      expect(await passing.input("text")).toBe("text");
      expect(await inPieces(passing.guarded.channel("text"), "a longer text")).toBe("a longer text");
    }
  });

  test("that takes too long has failed", async () => {
    const { input, clock, verdicts } = exchange(
      rule({ check: () => new Promise(() => {}) }, { timeout_ms: 100 }),
    );
    const waiting = outcome(input("text"));
    await Bun.sleep(0);
    clock.advance(101);
    expect(await waiting).toBe("blocked");
    expect(verdicts).toEqual(["rule input failed it took longer than 100 ms"]);
  });
});

describe("an answer that comes in pieces", () => {
  test("goes on as soon as the rules allow it", async () => {
    const { guarded } = exchange(rule(numbers({ replacement: "#" })));
    const channel = guarded.channel("text");
    expect(channel.push("some words that are long ")).toBe("some words that");
    expect(channel.push("12 and more")).toBe(" are long #");
    expect(await channel.end()).toBe(" and more");
  });

  test("waits for its end where a rule judges the whole", async () => {
    const seen: string[] = [];
    const judge: Guardrail = {
      check: ({ text }) => {
        seen.push(text);
        return { verdict: "pass" };
      },
    };
    const { guarded } = exchange(rule(judge), rule(numbers({ replacement: "#" })));
    const channel = guarded.channel("text");
    expect(channel.push("all ") + channel.push("of 1")).toBe("");
    expect(await channel.end()).toBe("all of #");
    expect(seen).toEqual(["all of 1"]);
  });

  test("has its arguments in one piece", async () => {
    const { guarded } = exchange(rule(numbers({ replacement: "#" })));
    expect(await inPieces(guarded.channel("arguments"), '{"a":12}')).toBe('{"a":"#"}');
  });
});
