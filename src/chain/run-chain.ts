import { Ceiling } from "./ceiling.ts";
import type { CompiledChain } from "./compiled-step.ts";
import { ChainError } from "./contracts.ts";
import type { RunContext, StepContext } from "./run-context.ts";
import { readJson } from "./values.ts";

/** What a run has given and used. */
export interface ChainResult {
  readonly output: unknown;
  readonly tokens: number;
  readonly costUsd: number;
}

/**
 * Runs a chain from its beginning, or from the last step that its journal has.
 *
 * @param onText told of the answer piece by piece, where the last step can.
 * @throws {ChainError} for what the chain itself forbids, the signal's reason when the client has left, or what a call has thrown.
 */
export async function runChain(
  chain: CompiledChain,
  run: RunContext,
  signal: AbortSignal,
  onText?: (text: string) => void,
): Promise<ChainResult> {
  const total = new Ceiling({ of: "the run", maxTokens: undefined, maxCostUsd: undefined });
  const output = await runWithin(chain, run.input.value, { run, prefix: "", ceiling: total, signal, onText });
  return { output, tokens: total.tokens, costUsd: total.costUsd };
}

/** Runs a chain within a step of another; its ceilings hold within those around it. */
export async function runWithin(
  chain: CompiledChain,
  given: unknown,
  context: StepContext,
): Promise<unknown> {
  const { run } = context;
  const limit = new AbortController();
  const timer = run.clock.setTimeout(
    () =>
      limit.abort(
        new ChainError("timeout", `the chain "${chain.name}" took longer than ${chain.timeoutMs} ms`),
      ),
    chain.timeoutMs,
  );
  const signal = AbortSignal.any([context.signal, limit.signal]);
  const ceiling = new Ceiling({
    of: `the chain "${chain.name}"`,
    maxTokens: chain.maxTokens,
    maxCostUsd: chain.maxCostUsd,
    maxSteps: chain.maxSteps,
  }, context.ceiling);
  try {
    const input = chain.input === undefined
      ? given
      : chain.input.check(typeof given === "string" ? readInput(given) : given, "invalid_input");
    const onText = chain.output === undefined ? context.onText : undefined;
    const output = await chain.body(input, { ...context, ceiling, signal, onText });
    if (chain.output === undefined) return output;
    return chain.output.check(typeof output === "string" ? readJson(output) : output, "invalid_output");
  } finally {
    run.clock.clearTimeout(timer);
  }
}

/** @throws {ChainError} `invalid_input` */
function readInput(text: string): unknown {
  try {
    return readJson(text);
  } catch (error) {
    throw new ChainError("invalid_input", "this chain's input has a schema: the last message must be JSON", {
      cause: error,
    });
  }
}
