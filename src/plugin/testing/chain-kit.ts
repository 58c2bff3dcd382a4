import type { Chain, ChainQuestion, ChainRequest, ChainWork } from "../api/chain.ts";
import { type Skips, type TestFunctions, withSkips } from "./test-functions.ts";

export interface ChainKitOptions {
  make(): Chain | Promise<Chain>;
  readonly request: ChainRequest;
  /** Answers the chain's questions, the same to the same. */
  answer(question: ChainQuestion): unknown;
  readonly search?: ChainWork["search"];
  readonly callTool?: ChainWork["callTool"];
  readonly skip?: Skips;
}

/** The contract of `Chain`: every implementation must pass it. */
export function testChain(functions: TestFunctions, options: ChainKitOptions): void {
  const { expect } = functions;
  const { test, checkSkips } = withSkips(functions, options.skip);
  const withChain = (body: (chain: Chain) => Promise<void>) => async () => {
    const chain = await options.make();
    try {
      await body(chain);
    } finally {
      await chain.close?.();
    }
  };
  const play = async (chain: Chain, journal = new Map<string, unknown>()) => {
    const run = new ScriptedRun(options, journal);
    return { run, output: await chain.run(options.request, run.work("")) };
  };

  functions.describe("chain contract", () => {
    test(
      "the answer is JSON",
      withChain(async (chain) => {
        const { output } = await play(chain);
        expect(JSON.parse(JSON.stringify(output ?? null))).toEqual(output ?? null);
      }),
    );

    test(
      "the answer begins with what was told of it",
      withChain(async (chain) => {
        const { run, output } = await play(chain);
        if (run.told !== "") expect(String(output).startsWith(run.told)).toBe(true);
      }),
    );

    test(
      "runs of one instance do not mix",
      withChain(async (chain) => {
        const outputs = await Promise.all([play(chain), play(chain), play(chain)]);
        for (const { output } of outputs) expect(output).toEqual(outputs[0]!.output);
      }),
    );

    test(
      "what steps give is JSON",
      withChain(async (chain) => {
        const { run } = await play(chain);
        for (const output of run.finished.values()) {
          expect(JSON.parse(JSON.stringify(output ?? null))).toEqual(output ?? null);
        }
      }),
    );

    test(
      "a run that is taken up after any of its steps gives the same answer",
      withChain(async (chain) => {
        const whole = await play(chain);
        const finished = [...whole.run.finished];
        for (let done = 1; done <= finished.length; done++) {
          const again = await play(chain, new Map(finished.slice(0, done)));
          expect(again.output).toEqual(whole.output);
        }
      }),
    );

    checkSkips();
  });
}

/** A run whose questions are answered by a script. */
class ScriptedRun {
  told = "";
  /** What steps have given, in the order in which they finished. */
  readonly finished = new Map<string, unknown>();
  readonly #options: ChainKitOptions;
  readonly #journal: ReadonlyMap<string, unknown>;

  constructor(options: ChainKitOptions, journal: ReadonlyMap<string, unknown>) {
    this.#options = options;
    this.#journal = journal;
  }

  work(prefix: string): ChainWork {
    const known = new Set<string>();
    const { answer, search, callTool } = this.#options;
    return {
      signal: new AbortController().signal,
      step: async (id, action) => {
        if (known.has(id)) throw new Error(`There are two steps "${prefix}${id}".`);
        known.add(id);
        const path = prefix + id;
        type Value = Awaited<ReturnType<typeof action>>;
        const output = this.#journal.has(path)
          ? this.#journal.get(path) as Value
          : await action(this.work(`${path}.`));
        this.finished.set(path, output);
        return output;
      },
      ask: async (question) => {
        const given = await answer(question);
        if (question.stream) this.told += String(given);
        return given;
      },
      search: search ?? (() => Promise.reject(new Error("The kit was given no `search`."))),
      callTool: callTool ?? (() => Promise.reject(new Error("The kit was given no `callTool`."))),
      say: (text) => {
        this.told += text;
      },
    };
  }
}
