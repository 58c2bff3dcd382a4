import { createHash } from "node:crypto";
import { didYouMeanSentence } from "../lib/did-you-mean.ts";
import type { Chain } from "../plugin/api/chain.ts";
import { type ChainSettings, type ChainStep, stepKinds } from "../schema/chain.ts";
import type {
  ChainBody,
  CompiledChain,
  CompiledStep,
  CompiledSteps,
  StepAction,
  StepCompiler,
} from "./compiled-step.ts";
import { moduleBody } from "./module-chain.ts";
import { runSteps } from "./run-steps.ts";
import { retrieveStep, toolStep } from "./steps/call-steps.ts";
import {
  branchStep,
  chainStep,
  fallbackStep,
  loopStep,
  mapStep,
  parallelStep,
  promptStep,
  transformStep,
} from "./steps/flow-steps.ts";
import { modelStep } from "./steps/model-step.ts";
import { bestOfStep, voteStep } from "./steps/sampling-steps.ts";
import { schemaCheck, scopedExpression, scopedTemplate } from "./values.ts";

/** A chain that cannot be run as it is written. */
export class ChainDefinitionError extends Error {
  override readonly name = "ChainDefinitionError";
  /** Where, from the chain's own table on: `["research", "steps", 2]`. */
  readonly path: readonly (string | number)[];

  constructor(path: readonly (string | number)[], message: string) {
    super(message);
    this.path = path;
  }
}

/** What every step may name. */
const everywhere = ["input", "messages", "system", "previous"];

const actions: Readonly<
  Record<typeof stepKinds[number], (step: ChainStep, compiler: StepCompiler) => StepAction>
> = {
  prompt: (step, compiler) =>
    step.model === undefined ? promptStep(step, compiler) : modelStep(step, compiler),
  retrieve: retrieveStep,
  tool: toolStep,
  transform: transformStep,
  parallel: parallelStep,
  map: mapStep,
  branch: branchStep,
  loop: loopStep,
  vote: voteStep,
  best_of: bestOfStep,
  fallback: fallbackStep,
  chain: chainStep,
};

/** A chain that is code. */
export interface ChainModule {
  readonly chain: Chain;
  /** Changes with the code. */
  readonly revision: string | undefined;
}

/**
 * Makes chains ready to run.
 *
 * @param modules those of them that are code.
 * @throws {ChainDefinitionError} for a template or an expression that names what is not there, a schema that is none, two steps of one
 * name, a chain that is not there, and chains that lead back to themselves.
 */
export function compileChains(
  chains: Readonly<Record<string, ChainSettings>>,
  modules: ReadonlyMap<string, ChainModule> = new Map(),
): ReadonlyMap<string, CompiledChain> {
  const compiled = new Map<string, CompiledChain>();
  for (const name of Object.keys(chains)) compileChain(name, { chains, modules }, compiled, []);
  return compiled;
}

function compileChain(
  name: string,
  given: {
    readonly chains: Readonly<Record<string, ChainSettings>>;
    readonly modules: ReadonlyMap<string, ChainModule>;
  },
  compiled: Map<string, CompiledChain>,
  around: readonly string[],
): CompiledChain {
  const known = compiled.get(name);
  if (known !== undefined) return known;
  const { chains, modules } = given;
  const settings = chains[name]!;
  const used: CompiledChain[] = [];
  const chainOf = (target: string): CompiledChain => {
    if (chains[target] === undefined) {
      throw new Error(`there is no chain "${target}".${didYouMeanSentence(target, Object.keys(chains))}`);
    }
    const path = [...around, name];
    if (path.includes(target)) {
      throw new Error(`the chain leads back to itself: ${[...path, target].join(" → ")}`);
    }
    const chain = compileChain(target, given, compiled, path);
    used.push(chain);
    return chain;
  };
  const module = modules.get(name);
  const body = module === undefined
    ? stepsBody(
      compileSteps(settings.steps ?? [], new Set(everywhere), [name, "steps"], settings.allow, chainOf),
    )
    : moduleBody(module.chain, settings.allow);
  const chain: CompiledChain = {
    name,
    description: settings.description,
    steps: (settings.steps ?? []).map(({ id }) => id),
    body,
    input: checkOf(settings.input, [name, "input"]),
    output: checkOf(settings.output, [name, "output"]),
    timeoutMs: settings.timeout_ms,
    maxSteps: settings.max_steps,
    maxTokens: settings.max_tokens_total,
    maxCostUsd: settings.max_cost_usd,
    version: createHash("sha256").update(
      JSON.stringify([settings, module?.revision, used.map(({ version }) => version)]),
    )
      .digest("hex")
      .slice(0, 16),
  };
  compiled.set(name, chain);
  return chain;
}

function stepsBody(steps: CompiledSteps): ChainBody {
  return async (input, context) => {
    const { messages, system } = context.run.input;
    return (await runSteps(steps, { input, messages, system, previous: input }, context)).output;
  };
}

type Path = readonly (string | number)[];

function compileSteps(
  list: readonly ChainStep[],
  before: ReadonlySet<string>,
  path: Path,
  allow: readonly string[],
  chainOf: StepCompiler["chain"],
): CompiledSteps {
  const names = new Set(before);
  const own = new Set<string>();
  const steps = list.map((step, index) => {
    const here = [...path, index];
    if (own.has(step.id)) throw new ChainDefinitionError(here, `there are two steps "${step.id}"`);
    if (everywhere.includes(step.id)) {
      throw new ChainDefinitionError(
        here,
        `"${step.id}" is what every step may name already; call the step otherwise`,
      );
    }
    const compiled = compileStep(step, new Set(names), here, allow, chainOf);
    own.add(step.id);
    names.add(step.id);
    return compiled;
  });
  return { list: steps, names };
}

function compileStep(
  step: ChainStep,
  names: ReadonlySet<string>,
  path: Path,
  allow: readonly string[],
  chainOf: StepCompiler["chain"],
): CompiledStep {
  const kind = stepKinds.find((kind) => step[kind] !== undefined)!;
  const compiler: StepCompiler = {
    names,
    allow,
    chain: chainOf,
    template: (source) => scopedTemplate(source, names),
    expression: (source, given = names) => scopedExpression(source, given),
    steps: (list, more = []) =>
      compileSteps(list, new Set([...names, ...more]), [...path, kind], allow, chainOf),
  };
  try {
    return {
      id: step.id,
      when: step.when === undefined ? undefined : compiler.expression(step.when),
      timeoutMs: step.timeout_ms,
      retries: step.retries,
      maxTokens: step.max_tokens_total,
      maxCostUsd: step.max_cost_usd,
      output: checkOf(step.output, [...path, "output"]),
      action: actions[kind](step, compiler),
    };
  } catch (error) {
    if (error instanceof ChainDefinitionError) throw error;
    throw new ChainDefinitionError(path, `the step "${step.id}": ${(error as Error).message}`);
  }
}

function checkOf(schema: Readonly<Record<string, unknown>> | undefined, path: Path) {
  if (schema === undefined) return undefined;
  try {
    return schemaCheck(schema);
  } catch (error) {
    throw new ChainDefinitionError(path, `this is no JSON schema: ${(error as Error).message}`);
  }
}
