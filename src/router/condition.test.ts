import { describe, expect, test } from "bun:test";
import { requestFacts } from "../../test/support/router-fixtures.ts";
import { compileCondition, conditionVariables } from "./condition.ts";
import type { RequestFacts } from "./contracts.ts";

const now = Date.UTC(2026, 10, 23, 14, 30);

const body = {
  model: "smart",
  messages: [
    { role: "system", content: "Be brief." },
    {
      role: "user",
      content: [{ type: "text", text: "Hello" }, { type: "image_url", image_url: { url: "data:" } }],
    },
  ],
  temperature: 1.5,
  n: 2,
  max_tokens: 100,
  metadata: { tier: "gold" },
  tools: [{ type: "function", function: { name: "search" } }],
};

function evaluate(source: string, overrides: Partial<RequestFacts> = {}): boolean | string {
  const headers = new Headers({
    "x-tenant": "acme",
    authorization: "Bearer secret",
    "x-api-key": "secret",
    cookie: "secret",
  });
  return compileCondition(source).test(
    requestFacts({ body, headers, promptTokens: 1_234, ...overrides }),
    now,
  );
}

describe("conditions that hold", () => {
  for (
    const source of [
      "size(request.messages) < 50",
      "request.n > 1",
      "request.n == 2",
      "request.temperature > 1",
      "request.temperature == 1.5",
      "request.max_tokens == 100",
      "request.n in [1, 2, 3]",
      "request.messages[1].role == 'user'",
      "request.messages.exists(m, m.role == 'system')",
      "has(request.metadata) && request.metadata.tier == 'gold'",
      "!has(request.seed)",
      "model == 'smart'",
      "model.startsWith('sm')",
      "model.matches('^sm.rt$')",
      "matches(model, 'art')",
      "headers['x-tenant'] == 'acme'",
      "metadata.tier == 'gold'",
      "message_count == 2",
      "message_characters == 14",
      "prompt_tokens > 1000 && prompt_tokens < 2000",
      "'search' in tools",
      "stream",
      "principal.id == 'tester' && 'developer' in principal.roles",
      "operation == 'chat'",
      "now.getHours() >= 9 && now.getHours() < 18",
      "now > timestamp('2026-01-01T00:00:00Z')",
      "request.n > 1 ? stream : !stream",
    ]
  ) {
    test(source, () => expect(evaluate(source)).toBe(true));
  }
});

test("a missing key counts as not holding, and the reason is told", () => {
  expect(evaluate("request.seed > 3")).toBe("No such key: seed");
  expect(evaluate("metadata.team == 'a'", { body: { model: "smart" } })).toContain("No such key");
});

test("what a request does not have is empty, not an error", () => {
  const bare = { body: { model: "m", messages: "not a list", tools: 5, metadata: null } };
  for (
    const source of [
      "message_count == 0",
      "message_characters == 0",
      "size(tools) == 0",
      "size(metadata) == 0",
    ]
  ) {
    expect([source, evaluate(source, bare)]).toEqual([source, true]);
  }
});

test("odd tools and messages do not break the evaluation", () => {
  const odd = {
    body: {
      model: "m",
      messages: [null, 5, { content: [null, { text: 5 }] }],
      tools: [null, {}, { function: { name: 5 } }],
    },
  };
  expect(evaluate("message_characters == 0 && size(tools) == 3", odd)).toBe(true);
});

test("credentials are not among the headers", () => {
  for (const name of ["authorization", "x-api-key", "cookie"]) {
    expect(evaluate(`'${name}' in headers`)).toBe(false);
  }
});

test("nothing of the language's own objects can be reached through the request", () => {
  for (const key of ["__proto__", "constructor", "toString"]) {
    expect(evaluate(`has(request.${key})`)).toBe(false);
  }
});

describe("matches", () => {
  test("a pattern on which backtracking engines give up or hang is answered at once", () => {
    const model = `${"a".repeat(50_000)}!`;
    expect(evaluate("model.matches('^(a+)+$')", { model })).toBe(false);
    expect(evaluate("model.matches('^(a+)+!$')", { model })).toBe(true);
    expect(evaluate("model.matches('(.*)(.*)(.*)(.*)(.*)x')", { model })).toBe(false);
  });

  test("a word in a string is not the function", () => {
    expect(evaluate("model == 'matches(' || model == \"smart\"")).toBe(true);
    expect(evaluate("'model.matches(\"(\")' != model")).toBe(true);
  });

  test("a wrong pattern is found when it is loaded, in every kind of string", () => {
    for (const literal of ["'('", '"("', "r'('", "'''('''"]) {
      expect(() => compileCondition(`model.matches(${literal})`)).toThrow(/the pattern "\(" does not parse/);
    }
    expect(() => compileCondition("matches(model, '(')")).toThrow(/does not parse/);
    expect(() => compileCondition(`model.matches('${"a".repeat(1_001)}')`)).toThrow(
      /at most 1000 characters/,
    );
  });

  test("a pattern that the request brings may be wrong without harm", () => {
    expect(evaluate("model.matches(string(request.pattern))", { body: { model: "m", pattern: "(" } }))
      .toContain("does not parse");
  });

  test("where it cannot be replaced, the condition is refused and not evaluated by another engine", () => {
    expect(() => compileCondition("// don't\nmodel.matches('b')")).toThrow(/unpaired quote/);
  });

  test("a field of that name stays one", () => {
    expect(evaluate("request.matches == 1", { body: { model: "m", matches: 1 } })).toBe(true);
  });
});

describe("refused when loaded", () => {
  test("an unknown variable, with its place and the one that was meant", () => {
    expect(() => compileCondition("requst.n > 1")).toThrow(
      /Unknown variable: requst Did you mean "request"\?\n[^]*\^/,
    );
  });

  test("what does not parse, with its place", () => {
    expect(() => compileCondition("request.n >")).toThrow(/does not parse: [^]*\^/);
  });

  test("what is not true or false", () => {
    expect(() => compileCondition("model")).toThrow(/of type string; it must be true or false/);
    expect(() => compileCondition("prompt_tokens + 1")).toThrow(/of type int/);
  });

  test("types that do not fit", () => {
    expect(() => compileCondition("model > 5")).toThrow(/no such overload/);
  });
});

test("a value that is neither true nor false does not hold", () => {
  expect(evaluate("request.temperature")).toBe(false);
});

test("only what the condition mentions is made", () => {
  const facts = requestFacts({ body });
  Object.defineProperty(facts, "headers", {
    get: () => {
      throw new Error("asked for");
    },
  });
  expect(compileCondition("model == 'headers'").test(facts, now)).toBe(false);
});

test("every variable has a value", () => {
  for (const name of Object.keys(conditionVariables)) expect(evaluate(`${name} == ${name}`)).toBe(true);
});
