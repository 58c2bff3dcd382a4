import { describe, expect, test } from "bun:test";
import { FakeClock } from "../../test/support/fake-clock.ts";
import { ApiError } from "../lib/api-error.ts";
import type { Chain } from "../plugin/api/chain.ts";
import { type ChainRunStep, chainSchema } from "../schema/chain.ts";
import { ChainDefinitionError, compileChains } from "./compile-chains.ts";
import {
  type ChainCalls,
  ChainError,
  type ChainEvent,
  type ModelQuestion,
  type ToolCall,
} from "./contracts.ts";
import { type ChainResult, runChain } from "./run-chain.ts";

type Answer = (question: ModelQuestion, asked: number) => string | Promise<string>;

/** Echoes what it was asked last, as the model that it was asked as. */
const echo: Answer = ({ model, messages }) => `${model}(${messages.at(-1)!.content})`;

class Run {
  readonly asked: ModelQuestion[] = [];
  readonly events: ChainEvent[] = [];
  readonly texts: string[] = [];
  readonly steps: ChainRunStep[] = [];
  readonly clock = new FakeClock();
  readonly controller = new AbortController();
  calls: ChainCalls;

  constructor(answer: Answer = echo, more: Partial<ChainCalls> = {}) {
    this.calls = {
      ask: async (question, _signal, onText) => {
        this.asked.push(question);
        const text = await answer(question, this.asked.length);
        for (const word of text.split(/(?<= )/)) onText?.(word);
        return { text, tokens: 10, costUsd: 0.01 };
      },
      callTool: () => Promise.reject(new Error("no tools here")),
      ...more,
    };
  }

  of(
    chains: Record<string, object>,
    input: unknown = "in",
    done: readonly ChainRunStep[] = [],
    modules: Record<string, Chain> = {},
  ): Promise<ChainResult> {
    const compiled = compile(chains, modules);
    return runChain(
      compiled.get("main")!,
      {
        calls: this.calls,
        input: { value: input, messages: [{ role: "user", content: String(input) }], system: "be kind" },
        journal: {
          isTakenUp: done.length > 0,
          finished: (path) => done.find((step) => step.path === path && step.status === "ok"),
          record: (step) => void this.steps.push(step),
        },
        clock: this.clock,
        onEvent: (event) => void this.events.push(event),
      },
      this.controller.signal,
      (text) => void this.texts.push(text),
    );
  }
}

function compile(chains: Record<string, object>, modules: Record<string, Chain> = {}) {
  return compileChains(
    Object.fromEntries(Object.entries(chains).map(([name, settings]) => [name, chainSchema.parse(settings)])),
    new Map(Object.entries(modules).map(([name, chain]) => [name, { chain, revision: "1" }])),
  );
}

const output = async (steps: object[], input: unknown = "in", run = new Run()) =>
  (await run.of({ main: { steps } }, input)).output;

function failure(work: Promise<unknown>): Promise<ChainError> {
  return work.then(() => {
    throw new Error("did not fail");
  }, (error) => error);
}

function wrong(chains: Record<string, object>): ChainDefinitionError {
  try {
    compile(chains);
  } catch (error) {
    return error as ChainDefinitionError;
  }
  throw new Error("was compiled");
}

describe("steps", () => {
  test("of models: one after the other, the last told piece by piece", async () => {
    const run = new Run();
    const result = await run.of({
      main: {
        steps: [
          { id: "draft", model: "small", prompt: "about {{input}}" },
          { id: "final", model: "large", system: "S {{system}}", prompt: "better: {{draft}}", history: true },
        ],
      },
    });
    expect(result).toEqual({ output: "large(better: small(about in))", tokens: 20, costUsd: 0.02 });
    expect(run.asked[1]!.messages).toEqual([
      { role: "system", content: "S be kind" },
      { role: "user", content: "in" },
      { role: "user", content: "better: small(about in)" },
    ]);
    expect(run.texts.join("")).toBe("large(better: small(about in))");
    expect(run.steps.map(({ path, status, tokens }) => [path, status, tokens])).toEqual([
      ["draft", "ok", 10],
      ["final", "ok", 10],
    ]);
  });

  test("that compute", async () => {
    expect(await output([{ id: "a", prompt: "<{{input}}>" }])).toBe("<in>");
    expect(await output([{ id: "a", transform: "input + '!'" }])).toBe("in!");
    expect(
      await output([{ id: "a", transform: "[1, 2].map(x, x * 2)" }, { id: "b", transform: "size(a) == 2" }]),
    )
      .toBe(true);
    expect((await failure(output([{ id: "a", transform: "input.missing.field" }]))).code).toBe("expression");
  });

  test("that cut a text", async () => {
    expect(await output([{ id: "parts", transform: "input.chunks(9)" }], "One two. Three four. Five"))
      .toEqual([
        "One two. ",
        "Three ",
        "four. ",
        "Five",
      ]);
  });

  test("at the same time", async () => {
    const steps = [
      { id: "both", parallel: [{ id: "x", model: "m", prompt: "1" }, { id: "y", prompt: "2" }] },
      { id: "end", prompt: "{{both.x}} {{both.y}}" },
    ];
    expect(await output(steps)).toBe("m(1) 2");
  });

  test("for every item of a list, in order, at most so many at a time", async () => {
    let running = 0;
    let most = 0;
    const run = new Run(async (question) => {
      most = Math.max(most, ++running);
      await Bun.sleep(1);
      running--;
      return echo(question, 0) as string;
    });
    const steps = [{
      id: "each",
      map: {
        over: "['a', 'b', 'c', 'd']",
        concurrency: 2,
        steps: [{ id: "s", model: "m", prompt: "{{index}}{{item}}" }],
      },
    }];
    expect(await output(steps, "in", run)).toEqual(["m(0a)", "m(1b)", "m(2c)", "m(3d)"]);
    expect(most).toBe(2);
    expect(run.steps.map(({ path }) => path).sort()).toEqual([
      "each",
      "each[0].s",
      "each[1].s",
      "each[2].s",
      "each[3].s",
    ]);
    expect(await output([{ id: "e", map: { over: "[]", steps: [{ id: "s", prompt: "x" }] } }])).toEqual([]);
    expect(
      (await failure(output([{ id: "e", map: { over: "input", steps: [{ id: "s", prompt: "x" }] } }])))
        .message,
    )
      .toContain("map needs a list");
  });

  test("that depend on what was", async () => {
    const branch = [{
      id: "way",
      branch: [
        { when: "input == 'a'", steps: [{ id: "s", prompt: "A" }] },
        { steps: [{ id: "s", model: "m", prompt: "else" }] },
      ],
    }];
    expect(await output(branch, "a")).toBe("A");
    const run = new Run();
    expect(await output(branch, "b", run)).toBe("m(else)");
    expect(run.texts.join("")).toBe("m(else)");
    expect(await output([{ id: "a", prompt: "x" }, { id: "b", when: "input == 'z'", prompt: "y" }]))
      .toBeNull();
  });

  test("in rounds, until it holds or for as often as is allowed", async () => {
    const loop = (until: string) => [{
      id: "again",
      loop: { max: 4, until, steps: [{ id: "word", transform: "round == 0 ? 'x' : previous + 'x'" }] },
    }];
    expect(await output(loop("size(word) == 2"))).toBe("xx");
    expect(await output(loop("false"))).toBe("xxxx");
  });

  test("that ask several times", async () => {
    const words = ["Yes", "no", "yes ", "no", "YES"];
    const vote = new Run((_question, asked) => words[asked - 1]!);
    expect(await output([{ id: "v", vote: { model: "m", prompt: "?", samples: 5 } }], "in", vote)).toBe(
      "Yes",
    );
    const best = new Run(({ model }, asked) => model === "judge" ? "Answer 2." : `a${asked}`);
    expect(
      await output(
        [{ id: "b", best_of: { model: "m", prompt: "?", judge: { model: "judge" } } }],
        "in",
        best,
      ),
    ).toBe("a2");
    const lame = new Run((_question, asked) => asked === 2 ? "only one" : Promise.reject(new Error("down")));
    expect(await output([{ id: "v", vote: { model: "m", prompt: "?" } }], "in", lame)).toBe("only one");
  });

  test("in the place of those that fail", async () => {
    const run = new Run(({ model }) => model === "bad" ? Promise.reject(new Error("down")) : "good");
    const steps = [{
      id: "try",
      fallback: [
        { steps: [{ id: "s", model: "bad", prompt: "?" }] },
        { steps: [{ id: "s", model: "m", prompt: "?" }] },
      ],
    }];
    expect(await output(steps, "in", run)).toBe("good");
    expect(run.steps.map(({ path, status }) => `${path} ${status}`)).toEqual([
      "try#0.s failed",
      "try#1.s ok",
      "try ok",
    ]);
  });

  test("of another chain", async () => {
    const run = new Run();
    const chains = {
      main: { steps: [{ id: "s", chain: "inner", input: "<{{input}}>" }] },
      inner: { steps: [{ id: "t", model: "m", prompt: "{{input}}" }] },
    };
    expect((await run.of(chains)).output).toBe("m(<in>)");
    expect(run.texts.join("")).toBe("m(<in>)");
    expect(run.steps.map(({ path }) => path)).toEqual(["s.t", "s"]);
  });

  test("that call a tool: at allowed addresses only, without following it elsewhere", async () => {
    const called: ToolCall[] = [];
    const callTool: ChainCalls["callTool"] = (call) => {
      called.push(call);
      const { url } = call;
      return Promise.resolve(Response.json({ sum: 3 }, { status: url.endsWith("bad") ? 500 : 200 }));
    };
    const chain = (tool: object, more: object = {}) => ({
      main: {
        allow: ["https://tools.example/api"],
        steps: [{ id: "t", tool, ...more }, { id: "end", prompt: "{{t.status}} {{t.body.sum}}" }],
      },
    });
    const json = {
      url: "https://tools.example/api/add?q={{input}}",
      method: "POST",
      json: { a: ["{{input}}", 2] },
    };
    expect((await new Run(echo, { callTool }).of(chain(json))).output).toBe("200 3");
    expect(called[0]).toEqual({
      url: "https://tools.example/api/add?q=in",
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"a":["in",2]}',
    });
    for (
      const url of [
        "https://tools.example/apix",
        "https://tools.example.evil/api",
        "https://user@tools.example/api",
        "http://tools.example/api",
        "https://tools.example/api/../admin",
        "{{input}}",
        "file:///etc/passwd",
      ]
    ) {
      expect((await failure(new Run(echo, { callTool }).of(chain({ url })))).code).toBe("tool");
    }
    expect(called).toHaveLength(1);
    const bad = { url: "https://tools.example/api/bad" };
    expect((await failure(new Run(echo, { callTool }).of(chain(bad, { retries: 2 })))).message).toContain(
      "500",
    );
    expect(called).toHaveLength(4);
  });

  test("that search", async () => {
    const passage = { text: "T", file_id: "file_1", filename: "a.md", score: 1 };
    const run = new Run(echo, {
      search: ({ query, vectorStores }) =>
        Promise.resolve([{ ...passage, text: `${vectorStores} ${query}` }]),
    });
    const steps = [
      { id: "found", retrieve: { vector_stores: ["vs_1"], query: "q {{input}}" } },
      { id: "end", prompt: "{{found.0.text}}" },
    ];
    expect(await output(steps, "in", run)).toBe("vs_1 q in");
    expect((await failure(output(steps))).message).toContain("nothing can be searched");
  });
});

describe("schemas", () => {
  const person = { type: "object", properties: { name: { type: "string" } }, required: ["name"] };

  test("of an answer: asked for, read, checked, and asked for again", async () => {
    const answers = ["sorry", '{"nam":"x"}', '```json\n{"name":"Ada"}\n```'];
    const run = new Run((_question, asked) => answers[asked - 1]!);
    const steps = [{ id: "p", model: "m", prompt: "?", output: person, retries: 2 }, {
      id: "e",
      prompt: "{{p.name}}",
    }];
    expect(await output(steps, "in", run)).toBe("Ada");
    expect(run.asked[0]!.schema).toEqual(person);
    const lame = new Run(() => "never");
    expect(await failure(output(steps, "in", lame))).toMatchObject({ code: "invalid_output" });
    expect(lame.asked).toHaveLength(3);
  });

  test("of the input and the answer of a chain", async () => {
    const main = {
      input: person,
      output: { type: "array" },
      steps: [{ id: "a", transform: "[input.name]" }],
    };
    expect((await new Run().of({ main }, '{"name":"Ada"}')).output).toEqual(["Ada"]);
    expect((await failure(new Run().of({ main }, "no json"))).code).toBe("invalid_input");
    expect((await failure(new Run().of({ main }, '{"name":1}'))).message).toContain("name");
    const text = { output: { type: "array" }, steps: [{ id: "a", prompt: "{}" }] };
    expect((await failure(new Run().of({ main: text }))).code).toBe("invalid_output");
  });
});

describe("ceilings", () => {
  const three = (more: object) => ({
    main: { ...more, steps: ["a", "b", "c"].map((id) => ({ id, model: "m", prompt: "?" })) },
  });

  test("of a chain: steps, tokens, money, time", async () => {
    for (const more of [{ max_steps: 2 }, { max_tokens_total: 20 }, { max_cost_usd: 0.02 }]) {
      const run = new Run();
      expect((await failure(run.of(three(more)))).code).toBe("limit");
      expect(run.asked).toHaveLength(2);
    }
    const run = new Run(() => new Promise<string>(() => {}));
    const late = failure(run.of(three({ timeout_ms: 1_000 })));
    await Bun.sleep(0);
    run.clock.advance(1_000);
    expect(await late).toMatchObject({ code: "timeout" });
  });

  test("of a step hold for everything within it, and what is left limits an answer", async () => {
    const run = new Run();
    const main = {
      steps: [{
        id: "many",
        max_tokens_total: 25,
        map: {
          over: "[1, 2, 3, 4]",
          concurrency: 1,
          steps: [{ id: "s", model: "m", prompt: "?", max_tokens: 20 }],
        },
      }],
    };
    expect((await failure(run.of({ main }))).message).toContain('"many"');
    expect(run.asked.map(({ maxTokens }) => maxTokens)).toEqual([20, 15, 5]);
  });

  test("of an inner chain hold for it, and those around it as well", async () => {
    const chains = {
      main: { max_steps: 3, steps: [{ id: "s", chain: "inner" }] },
      inner: { steps: ["a", "b", "c"].map((id) => ({ id, prompt: "x" })) },
    };
    expect((await failure(new Run().of(chains))).message).toContain('"main"');
  });

  test("a step's time, and its tries", async () => {
    const flaky = new Run((_question, asked) =>
      asked < 3 ? Promise.reject(new ApiError({ status: 503, code: "x", message: "down" })) : "up"
    );
    expect(await output([{ id: "a", model: "m", prompt: "?", retries: 2 }], "in", flaky)).toBe("up");
    const wrong = new Run(() => Promise.reject(new ApiError({ status: 400, code: "x", message: "no" })));
    await failure(output([{ id: "a", model: "m", prompt: "?", retries: 2 }], "in", wrong));
    expect(wrong.asked).toHaveLength(1);
    const slow = new Run(() => new Promise<string>(() => {}));
    const late = failure(
      output([{ id: "a", model: "m", prompt: "?", timeout_ms: 50, retries: 5 }], "in", slow),
    );
    await Bun.sleep(0);
    slow.clock.advance(50);
    expect(await late).toMatchObject({ code: "timeout" });
    expect(slow.asked).toHaveLength(1);
  });

  test("what was said to the client is not said again", async () => {
    const run = new Run();
    run.calls = {
      ...run.calls,
      ask: (_question, _signal, onText) => {
        run.asked.push(_question);
        onText?.("half ");
        return Promise.reject(new ApiError({ status: 503, code: "x", message: "broke off" }));
      },
    };
    await failure(output([{ id: "a", model: "m", prompt: "?", retries: 3 }], "in", run));
    expect([run.asked.length, run.texts]).toEqual([1, ["half "]]);
  });

  test("a client that leaves ends everything", async () => {
    const run = new Run(() => new Promise<string>(() => {}));
    const left = failure(run.of(three({})));
    await Bun.sleep(0);
    run.controller.abort(new ChainError("cancelled", "left"));
    expect((await left).code).toBe("cancelled");
  });
});

test("a run is taken up from the last step that was finished", async () => {
  const main = {
    steps: [
      { id: "each", map: { over: "['a', 'b']", steps: [{ id: "s", model: "m", prompt: "{{item}}" }] } },
      { id: "end", model: "m", prompt: "{{each}}" },
    ],
  };
  const first = new Run(({ messages }) =>
    messages[0]!.content === "a" ? "A" : Promise.reject(new Error("crash"))
  );
  await failure(first.of({ main }));
  const second = new Run();
  const result = await second.of({ main }, "in", first.steps);
  expect(second.asked.map(({ messages }) => messages[0]!.content)).toEqual(["b", '["A","m(b)"]']);
  // What was spent before counts.
  expect(result.tokens).toBe(30);
});

test("what is wrong with a chain is found when it is loaded, and where", () => {
  const at = (steps: object[], more: object = {}) => wrong({ main: { ...more, steps } });
  expect(at([{ id: "a", prompt: "{{b}}" }]).message).toContain('names "b"');
  expect(at([{ id: "a", prompt: "x" }, { id: "b", transform: "c + 1" }])).toMatchObject({
    path: ["main", "steps", 1],
  });
  expect(at([{ id: "a", prompt: "x" }, { id: "a", prompt: "y" }]).message).toContain("two steps");
  expect(at([{ id: "input", prompt: "x" }]).message).toContain("already");
  expect(at([{ id: "a", chain: "nowhere" }]).message).toContain("there is no chain");
  expect(at([{ id: "a", chain: "main" }]).message).toContain("main → main");
  expect(at([{ id: "m", map: { over: "[1]", steps: [{ id: "s", prompt: "{{itm}}" }] } }]).path)
    .toEqual(["main", "steps", 0, "map", 0]);
  const circle = wrong({
    main: { steps: [{ id: "a", chain: "other" }] },
    other: { steps: [{ id: "b", chain: "main" }] },
  });
  expect(circle.message).toContain("main → other → main");
});

describe("a chain that is code", () => {
  const code = (run: Chain["run"], settings: object = {}) =>
    [{ main: { kind: "code", ...settings } }, "in", [], { main: { run } }] as const;

  /** Three questions at the same time, and one about their answers that the client hears. */
  const research: Chain["run"] = async ({ input, system }, work) => {
    const parts = await Promise.all(
      ["a", "b", "c"].map((topic) =>
        work.step(topic, (inner) => inner.ask({ model: "small", prompt: `${topic} of ${input}` }))
      ),
    );
    return await work.step(
      "sum",
      (inner) => inner.ask({ model: "large", system, prompt: parts.join(" "), stream: true }),
      { input: { parts } },
    );
  };

  test("its steps are kept, and what it streams is told", async () => {
    const run = new Run();
    const result = await run.of(...code(research));
    const expected = "large(small(a of in) small(b of in) small(c of in))";
    expect(result).toEqual({ output: expected, tokens: 40, costUsd: 0.04 });
    expect(run.texts.join("")).toBe(expected);
    expect(run.steps.map(({ path, status }) => `${path} ${status}`)).toEqual([
      "a ok",
      "b ok",
      "c ok",
      "sum ok",
    ]);
    expect(run.steps[3]!.input).toEqual({ parts: ["small(a of in)", "small(b of in)", "small(c of in)"] });
  });

  test("is taken up after any of its steps, and asks nothing twice", async () => {
    const whole = new Run();
    const { output } = await whole.of(...code(research));
    for (let done = 1; done <= whole.steps.length; done++) {
      const again = new Run();
      const [settings, input, , modules] = code(research);
      const result = await again.of(settings, input, whole.steps.slice(0, done), modules);
      expect(result).toEqual({ output, tokens: 40, costUsd: expect.closeTo(0.04) });
      expect(again.asked).toHaveLength(4 - done);
    }
  });

  test("gets JSON that fits a schema, or a step that is tried again", async () => {
    const run = new Run((_, asked) => asked === 1 ? "no JSON" : '{"n": 3}');
    const schema = { type: "object", properties: { n: { type: "number" } }, required: ["n"] };
    const result = await run.of(
      ...code((_, work) =>
        work.step("count", (inner) => inner.ask({ model: "small", prompt: "?", schema }), { retries: 1 })
      ),
    );
    expect(result.output).toEqual({ n: 3 });
    expect(run.asked).toHaveLength(2);
  });

  test("has the ceilings of any chain", async () => {
    const forever: Chain["run"] = async (_, work) => {
      for (let round = 0;; round++) {
        await work.step(`round_${round}`, (inner) => inner.ask({ model: "m", prompt: "?" }));
      }
    };
    const run = new Run();
    expect((await failure(run.of(...code(forever, { max_steps: 5 })))).message).toContain(
      "all of its 5 steps",
    );
    expect(run.asked).toHaveLength(5);
    const dear = new Run();
    expect((await failure(dear.of(...code(forever, { max_tokens_total: 25 })))).message).toContain(
      "25 tokens",
    );
    expect(dear.asked).toHaveLength(3);
  });

  test("tools are called where it may, and nowhere else", async () => {
    const calls: ToolCall[] = [];
    const run = () =>
      new Run(echo, {
        callTool: (call) => {
          calls.push(call);
          return Promise.resolve(Response.json({ warm: true }));
        },
      });
    const ask = (url: string) =>
      code((_, work) => work.callTool({ url }), { allow: ["https://weather.example/v1"] });
    expect((await run().of(...ask("https://weather.example/v1/now"))).output).toEqual({
      status: 200,
      body: { warm: true },
    });
    for (
      const url of ["https://weather.example/v2", "https://weather.example.evil/v1", "file:///etc/passwd"]
    ) {
      expect((await failure(run().of(...ask(url)))).code).toBe("tool");
    }
    expect(calls).toHaveLength(1);
  });

  test("what it throws fails its run by name; two steps of one id are refused", async () => {
    const thrown = await failure(
      new Run().of(...code(() => Promise.reject(new TypeError("x is not a function")))),
    );
    expect([thrown.code, thrown.message]).toEqual(["module", "its code has thrown: x is not a function"]);
    const twice = await failure(new Run().of(...code(async (_, work) => {
      await work.step("one", () => Promise.resolve(1));
      return await work.step("one", () => Promise.resolve(2));
    })));
    expect(twice.message).toContain('two steps "one"');
  });

  test("one that does not heed its signal does not keep its run", async () => {
    const run = new Run();
    const work = failure(run.of(...code(() => new Promise(() => {}), { timeout_ms: 1_000 })));
    await Bun.sleep(0);
    run.clock.advance(1_001);
    expect((await work).code).toBe("timeout");
  });
});
