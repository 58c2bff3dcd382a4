import { ApiError } from "../lib/api-error.ts";
import type { ChainRunStep } from "../schema/chain.ts";
import { Ceiling } from "./ceiling.ts";
import type { CompiledStep, CompiledSteps } from "./compiled-step.ts";
import { ChainError } from "./contracts.ts";
import type { StepContext } from "./run-context.ts";
import type { Scope } from "./values.ts";

/** What steps have given: the last of it, and all of it by their names. */
export interface StepsResult {
  readonly output: unknown;
  readonly scope: Scope;
}

/** Runs steps one after the other; each may name what those before it have given, and `previous`. */
export async function runSteps(
  { list }: CompiledSteps,
  scope: Scope,
  context: StepContext,
): Promise<StepsResult> {
  let output: unknown = null;
  let known = scope;
  for (const [index, step] of list.entries()) {
    // Only the last step of all speaks to whoever waits.
    const isLast = index === list.length - 1;
    output = await runStep(step, known, isLast ? context : { ...context, onText: undefined });
    known = { ...known, [step.id]: output, previous: output };
  }
  return { output, scope: known };
}

/** Runs one step, or takes over what an earlier try of the run has made of it. */
export async function runStep(step: CompiledStep, scope: Scope, context: StepContext): Promise<unknown> {
  const { run, prefix, signal } = context;
  const path = prefix + step.id;
  const done = run.journal.finished(path);
  if (done !== undefined) {
    context.ceiling.spend({ tokens: done.tokens, costUsd: done.cost_usd });
    if (typeof done.output === "string") context.onText?.(done.output);
    return done.output;
  }
  signal.throwIfAborted();
  if (step.when !== undefined && step.when.value(scope) !== true) {
    run.onEvent({ type: "step_finished", step: path, status: "skipped", duration_ms: 0 });
    return null;
  }
  context.ceiling.beginStep();
  const ceiling = new Ceiling(
    { of: `the step "${path}"`, maxTokens: step.maxTokens, maxCostUsd: step.maxCostUsd },
    context.ceiling,
  );
  const startedAt = run.clock.now();
  const begun = run.clock.monotonic();
  run.onEvent({ type: "step_started", step: path });
  const finish = (status: "ok" | "failed", result: Pick<ChainRunStep, "output" | "error">) => {
    const duration = Math.round((run.clock.monotonic() - begun) * 1000) / 1000;
    run.journal.record({
      path,
      status,
      ...(step.action.input === undefined ? {} : { input: step.action.input(scope) }),
      ...result,
      tokens: ceiling.tokens,
      cost_usd: ceiling.costUsd,
      started_at: startedAt,
      duration_ms: duration,
    });
    run.onEvent({ type: "step_finished", step: path, status, duration_ms: duration });
  };
  try {
    const output = await tryStep(step, scope, { ...context, prefix: `${path}.`, ceiling });
    finish("ok", { output });
    return output;
  } catch (error) {
    finish("failed", { error: messageOf(error) });
    throw error;
  }
}

/** Tries again what may be tried again, within the step's time. */
async function tryStep(step: CompiledStep, scope: Scope, context: StepContext): Promise<unknown> {
  const { clock } = context.run;
  const limit = new AbortController();
  const timer = step.timeoutMs === undefined ? undefined : clock.setTimeout(
    () => limit.abort(new ChainError("timeout", `a step took longer than ${step.timeoutMs} ms`)),
    step.timeoutMs,
  );
  const signal = AbortSignal.any([context.signal, limit.signal]);
  let hasSpoken = false;
  const { onText } = context;
  const watched = onText === undefined ? undefined : (text: string) => {
    hasSpoken = true;
    onText(text);
  };
  try {
    for (let tries = 0;; tries++) {
      try {
        const output = await untilAborted(
          step.action.run(scope, { ...context, signal, onText: watched }),
          signal,
        );
        return step.output === undefined ? output : step.output.check(output, "invalid_output");
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        // What the client has heard cannot be taken back.
        if (tries >= step.retries || hasSpoken || !canRetry(error)) throw error;
      }
    }
  } finally {
    if (timer !== undefined) clock.clearTimeout(timer);
  }
}

/** A call that does not heed its signal must not keep the run. */
export function untilAborted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise<Value>((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

function canRetry(error: unknown): boolean {
  if (error instanceof ChainError) return error.canRetry;
  return error instanceof ApiError && (error.status === 408 || error.status === 429 || error.status >= 500) &&
    error.status !== 508;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
