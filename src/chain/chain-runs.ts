import { ApiError } from "../lib/api-error.ts";
import type { Clock } from "../lib/clock.ts";
import { timedId } from "../lib/timed-id.ts";
import type { CompiledChain } from "./compiled-step.ts";
import { type ChainCalls, ChainError, type ChainEvent, type ChainInput } from "./contracts.ts";
import { type ChainResult, runChain } from "./run-chain.ts";
import type { ChainRunStore } from "./run-store.ts";
import { messageOf } from "./run-steps.ts";

/** Whose run it is. */
export interface RunOwner {
  readonly tenant: string;
  readonly principal: string;
}

export interface RunRequest {
  readonly chain: CompiledChain;
  readonly owner: RunOwner;
  readonly calls: ChainCalls;
  readonly signal: AbortSignal;
  readonly onText?: (text: string) => void;
  readonly onEvent?: (event: ChainEvent) => void;
}

export interface StartedRun {
  readonly id: string;
  /** Rejects with an `ApiError`, whatever it was that failed. */
  readonly result: Promise<ChainResult>;
}

/** Runs of chains, with the records that they leave. */
export class ChainRuns {
  readonly #store: ChainRunStore;
  readonly #clock: Clock;
  /** Those of this process. */
  readonly #running = new Set<string>();

  constructor(store: ChainRunStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  get store(): ChainRunStore {
    return this.#store;
  }

  start(request: RunRequest, input: ChainInput): StartedRun {
    const { chain, owner } = request;
    const id = `run_${timedId(this.#clock.now())}`;
    this.#store.begin(
      { id, chain: chain.name, version: chain.version, ...owner, input: JSON.stringify(input) },
      this.#clock.now(),
    );
    return { id, result: this.#run(id, request, input) };
  }

  /**
   * Takes a run up from its last finished step.
   *
   * @throws {ApiError} 404 for a run that the caller does not have, 409 for one that cannot go on.
   */
  resume(id: string, request: RunRequest): StartedRun {
    const { chain, owner } = request;
    const run = this.#store.find(id, owner.tenant);
    if (run === undefined || run.chain !== chain.name) {
      throw new ApiError({
        status: 404,
        code: "run_not_found",
        message: `The chain "${chain.name}" has no run "${id.slice(0, 64)}".`,
      });
    }
    const problem = this.#running.has(id)
      ? "is still running"
      : run.status === "completed"
      ? "is complete"
      : run.version !== chain.version
      ? "was begun with another version of the chain"
      : undefined;
    if (problem !== undefined) {
      throw new ApiError({ status: 409, code: "run_not_resumable", message: `The run ${id} ${problem}.` });
    }
    this.#store.resume(id);
    return { id, result: this.#run(id, request, JSON.parse(run.input) as ChainInput) };
  }

  async #run(
    id: string,
    { chain, calls, signal, onText, onEvent = () => {} }: RunRequest,
    input: ChainInput,
  ): Promise<ChainResult> {
    const finished = this.#store.finished(id);
    let tokens = 0;
    let costUsd = 0;
    this.#running.add(id);
    try {
      const result = await runChain(
        chain,
        {
          calls: {
            ...calls,
            ask: async (...given) => {
              const reply = await calls.ask(...given);
              tokens += reply.tokens;
              costUsd += reply.costUsd;
              return reply;
            },
          },
          input,
          journal: {
            isTakenUp: finished.size > 0,
            finished: (path) => finished.get(path),
            record: (step) => this.#store.record(id, step),
          },
          clock: this.#clock,
          onEvent,
        },
        signal,
        onText,
      );
      this.#store.end(id, { status: "completed", ...result }, this.#clock.now());
      return result;
    } catch (error) {
      const status = signal.aborted ? "cancelled" : "failed";
      this.#store.end(id, { status, error: messageOf(error), tokens, costUsd }, this.#clock.now());
      throw toApiError(error, chain.name, id);
    } finally {
      this.#running.delete(id);
    }
  }
}

/** A chain's own failures are the client's to mend, or the operator's; whatever a model was refused for is told as it was. */
function toApiError(error: unknown, chain: string, run: string): unknown {
  if (!(error instanceof ChainError)) return error;
  const status = error.code === "invalid_input"
    ? 400
    : error.code === "limit"
    ? 429
    : error.code === "timeout"
    ? 504
    : 502;
  return new ApiError({
    status,
    code: `chain_${error.code}`,
    message: `The chain "${chain}" failed: ${error.message}. Its run is ${run}.`,
    shouldRetry: false,
    cause: error,
  });
}
