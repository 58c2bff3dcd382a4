import type { ChainStep } from "../../schema/chain.ts";
import type { StepAction, StepCompiler } from "../compiled-step.ts";
import { ChainError } from "../contracts.ts";
import { runWithin } from "../run-chain.ts";
import { runStep, runSteps } from "../run-steps.ts";

export function promptStep({ prompt }: ChainStep, compiler: StepCompiler): StepAction {
  const template = compiler.template(prompt!);
  return { run: (scope) => Promise.resolve(template.render(scope)) };
}

export function transformStep({ transform }: ChainStep, compiler: StepCompiler): StepAction {
  const expression = compiler.expression(transform!);
  // deno-lint-ignore require-await -- what an expression throws is the step's failure
  return { run: async (scope) => expression.value(scope) };
}

/** Steps at the same time. One that fails ends the others. */
export function parallelStep({ parallel }: ChainStep, compiler: StepCompiler): StepAction {
  // They do not know of each other: none of them comes before another.
  const branches = parallel!.map((step) => compiler.steps([step]).list[0]!);
  return {
    run: (scope, context) =>
      untilOneFails(context.signal, async (signal) => {
        const outputs = await Promise.all(
          branches.map((step) => runStep(step, scope, { ...context, signal, onText: undefined })),
        );
        return Object.fromEntries(branches.map(({ id }, index) => [id, outputs[index]]));
      }),
  };
}

export function mapStep({ map }: ChainStep, compiler: StepCompiler): StepAction {
  const { over, concurrency, steps } = map!;
  const list = compiler.expression(over);
  const inner = compiler.steps(steps, ["item", "index"]);
  return {
    run: (scope, context) =>
      untilOneFails(context.signal, async (signal) => {
        const items = list.value(scope);
        if (!Array.isArray(items)) throw new ChainError("expression", `${over}: map needs a list`);
        const outputs: unknown[] = new Array(items.length).fill(null);
        const waiting = items.entries();
        const work = async () => {
          for (const [index, item] of waiting) {
            const prefix = `${context.prefix.slice(0, -1)}[${index}].`;
            const { output } = await runSteps(inner, { ...scope, item, index }, {
              ...context,
              prefix,
              signal,
              onText: undefined,
            });
            outputs[index] = output;
          }
        };
        await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, work));
        return outputs;
      }),
  };
}

export function branchStep({ branch }: ChainStep, compiler: StepCompiler): StepAction {
  const ways = branch!.map(({ when, steps }) => ({
    when: when === undefined ? undefined : compiler.expression(when),
    steps: compiler.steps(steps),
  }));
  return {
    async run(scope, context) {
      const index = ways.findIndex(({ when }) => when === undefined || when.value(scope) === true);
      if (index < 0) return null;
      const { output } = await runSteps(ways[index]!.steps, scope, inside(context, index));
      return output;
    },
  };
}

export function loopStep({ loop }: ChainStep, compiler: StepCompiler): StepAction {
  const { steps, until, max } = loop!;
  const inner = compiler.steps(steps, ["round"]);
  const condition = until === undefined ? undefined : compiler.expression(until, inner.names);
  return {
    async run(scope, context) {
      let known = scope;
      let output: unknown = null;
      for (let round = 0; round < max; round++) {
        const result = await runSteps(inner, { ...known, round }, {
          ...inside(context, round),
          // Whether it is the last round is known only afterwards.
          onText: undefined,
        });
        known = result.scope;
        output = result.output;
        if (condition?.value(known) === true) break;
      }
      return output;
    },
  };
}

/** What each way has failed with is told when all have. */
export function fallbackStep({ fallback }: ChainStep, compiler: StepCompiler): StepAction {
  const ways = fallback!.map(({ steps }) => compiler.steps(steps));
  return {
    async run(scope, context) {
      let failure: unknown;
      let hasSpoken = false;
      const onText = context.onText && ((text: string) => {
        hasSpoken = true;
        context.onText!(text);
      });
      for (const [index, steps] of ways.entries()) {
        try {
          return (await runSteps(steps, scope, { ...inside(context, index), onText })).output;
        } catch (error) {
          const isLimit = error instanceof ChainError && error.code === "limit";
          if (context.signal.aborted || hasSpoken || isLimit) throw error;
          failure = error;
        }
      }
      throw failure;
    },
  };
}

/** Another chain with its own ceilings, within those of this one. */
export function chainStep({ chain, input }: ChainStep, compiler: StepCompiler): StepAction {
  const target = compiler.chain(chain!);
  const template = input === undefined ? undefined : compiler.template(input);
  return {
    input: (scope) => template === undefined ? scope.input : template.render(scope),
    run: (scope, context) => {
      const value = template === undefined ? scope.input : template.render(scope);
      return runWithin(target, value, context);
    },
  };
}

/** Work of which the first failure ends the rest. */
async function untilOneFails<Value>(
  around: AbortSignal,
  work: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  const ended = new AbortController();
  try {
    return await work(AbortSignal.any([around, ended.signal]));
  } catch (error) {
    ended.abort(error);
    throw error;
  }
}

function inside<Context extends { readonly prefix: string }>(context: Context, index: number): Context {
  return { ...context, prefix: `${context.prefix.slice(0, -1)}#${index}.` };
}
