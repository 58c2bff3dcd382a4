import type { Clock } from "../lib/clock.ts";
import type { ChainRunStep } from "../schema/chain.ts";
import type { Ceiling } from "./ceiling.ts";
import type { ChainCalls, ChainEvent, ChainInput } from "./contracts.ts";

/** Where finished steps are kept, so that a run can be taken up again. */
export interface RunJournal {
  /** An earlier try has finished steps of this run. */
  readonly isTakenUp: boolean;
  /** A step that an earlier try of the run has finished. */
  finished(path: string): ChainRunStep | undefined;
  record(step: ChainRunStep): void;
}

/** What all steps of one run share. */
export interface RunContext {
  readonly calls: ChainCalls;
  readonly input: ChainInput;
  readonly journal: RunJournal;
  readonly clock: Clock;
  readonly onEvent: (event: ChainEvent) => void;
}

/** Where in a run a step stands. */
export interface StepContext {
  readonly run: RunContext;
  /** Path of what it stands in, with the dot behind it; empty at the top. */
  readonly prefix: string;
  readonly ceiling: Ceiling;
  readonly signal: AbortSignal;
  /** Set where what the step says is the answer of the chain: told piece by piece. */
  readonly onText: ((text: string) => void) | undefined;
}
