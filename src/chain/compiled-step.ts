import type { ChainStep } from "../schema/chain.ts";
import type { StepContext } from "./run-context.ts";
import type { SchemaCheck, Scope, ScopedExpression, ScopedTemplate } from "./values.ts";

/** What a step does, made ready. */
export interface StepAction {
  /** What it is given, for the record of the run; absent where what it says of itself is enough. */
  input?(scope: Scope): unknown;
  /** @throws {ChainError} or whatever its calls throw. */
  run(scope: Scope, context: StepContext): Promise<unknown>;
}

export interface CompiledStep {
  readonly id: string;
  readonly when: ScopedExpression | undefined;
  readonly timeoutMs: number | undefined;
  readonly retries: number;
  readonly maxTokens: number | undefined;
  readonly maxCostUsd: number | undefined;
  readonly output: SchemaCheck | undefined;
  readonly action: StepAction;
}

/** What the makers of actions work with. */
export interface StepCompiler {
  /** What may be named where the step stands. */
  readonly names: ReadonlySet<string>;
  template(source: string): ScopedTemplate;
  /** @param names in the place of those that may be named where the step stands. */
  expression(source: string, names?: ReadonlySet<string>): ScopedExpression;
  /**
   * Steps within this one.
   *
   * @param more what they may name beside what this one may.
   */
  steps(list: readonly ChainStep[], more?: readonly string[]): CompiledSteps;
  /** Another chain. @throws {Error} for one that is not there, or that leads back here. */
  chain(name: string): CompiledChain;
  /** Addresses that tools may call. */
  readonly allow: readonly string[];
}

/** Steps that run one after the other. */
export interface CompiledSteps {
  readonly list: readonly CompiledStep[];
  /** What may be named after the last of them. */
  readonly names: ReadonlySet<string>;
}

/** What a chain does with its input; gives its answer. */
export type ChainBody = (input: unknown, context: StepContext) => Promise<unknown>;

export interface CompiledChain {
  readonly name: string;
  readonly description: string | undefined;
  /** The names of the steps at its top; code has none that are known before. */
  readonly steps: readonly string[];
  readonly body: ChainBody;
  readonly input: SchemaCheck | undefined;
  readonly output: SchemaCheck | undefined;
  readonly timeoutMs: number;
  readonly maxSteps: number;
  readonly maxTokens: number | undefined;
  readonly maxCostUsd: number | undefined;
  /** Changes with everything that the chain consists of. */
  readonly version: string;
}
