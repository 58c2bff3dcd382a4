import { describe, expect, test } from "bun:test";
import research from "../../examples/chains/research.ts";
import type { Chain, PluginHost } from "../../src/plugin/api.ts";
import { testChain } from "../../src/plugin/testing.ts";

const make = (model: string) => research.create(research.options.parse({ model }), {} as PluginHost) as Chain;

testChain({ describe, test, expect }, {
  make: () => make("fast"),
  request: { input: "why?", messages: [], system: "" },
  answer: ({ model, prompt = "", schema }) =>
    schema === undefined ? `${model} says ${prompt.length}` : { questions: ["who", "when", "where"] },
});

describe("the kit finds", () => {
  /** What a kit says of a chain: the names of the tests that it fails. */
  const failuresOf = async (run: Chain["run"]) => {
    const tests: [string, () => void | Promise<void>][] = [];
    testChain(
      { describe: (_, body) => body(), test: (name, body) => void tests.push([name, body]), expect },
      {
        make: () => ({ run }),
        request: { input: "why?", messages: [], system: "" },
        answer: ({ prompt }) => `answer to ${prompt}`,
      },
    );
    const failed: string[] = [];
    for (const [name, body] of tests) {
      try {
        await body();
      } catch {
        failed.push(name);
      }
    }
    return failed;
  };

  test("an answer that is no JSON", async () => {
    expect(await failuresOf(() => Promise.resolve(new Map([[1, 2]])))).toContain("the answer is JSON");
  });

  test("an answer that is not what was told", async () => {
    const failed = await failuresOf((_, work) => {
      work.say("one thing");
      return Promise.resolve("another");
    });
    expect(failed).toContain("the answer begins with what was told of it");
  });

  test("a chain that takes another path when it is taken up, and one that keeps state between runs", async () => {
    let runs = 0;
    const failed = await failuresOf(async (_, work) => {
      const mine = runs++;
      await work.step("first", () => Promise.resolve(mine));
      return `run ${mine}`;
    });
    expect(failed).toContain("a run that is taken up after any of its steps gives the same answer");
    expect(failed).toContain("runs of one instance do not mix");
  });
});
