import { isUpstreamError, type UpstreamError } from "../plugin/api/upstream-error.ts";
import { backoffMs } from "./backoff.ts";
import type { AttemptContext, AttemptOptions, Dispatched, Plan } from "./contracts.ts";
import { retryRule } from "./retry-policy.ts";
import { longestPauseMs, TargetCall, type TargetCallOptions } from "./target-call.ts";
import type { TargetState } from "./target-states.ts";
import { toApiError } from "./to-api-error.ts";

export interface AttempterOptions extends TargetCallOptions {
  readonly random: () => number;
  readonly backoffBaseMs: number;
  readonly backoffMaxMs: number;
}

/** Walks the targets of a plan until one begins to answer. */
export class Attempter {
  readonly #options: AttempterOptions;

  constructor(options: AttempterOptions) {
    this.#options = options;
  }

  /**
   * @param call resolves when the answer has begun. May be called several times; must honour the signal.
   * @throws {ApiError} when no target answered, the deadline passed, or the error is one that no other target can mend.
   * @throws the signal's reason when the client left.
   */
  async attempt<T>(
    plan: Plan,
    call: (context: AttemptContext) => Promise<T>,
    options: AttemptOptions,
  ): Promise<Dispatched<T>> {
    const { clock, states } = this.#options;
    const deadline = plan.timeouts.totalMs > 0 ? options.arrivedAt + plan.timeouts.totalMs : Infinity;
    let lastError: unknown;
    for (let index = 0; index < plan.targets.length; index++) {
      const target = plan.targets[index]!;
      const hasNext = index + 1 < plan.targets.length;
      const state = states.of(target.model);
      // Another request may have met the target's end since the plan was made.
      if (
        (lastError !== undefined || hasNext) &&
        states.unhealthy(target.model, clock.monotonic()) !== undefined
      ) continue;
      for (let tries = 1;; tries++) {
        const reserved = options.reserve?.(target.model);
        const refusal = reserved instanceof Promise ? await reserved : reserved;
        if (refusal !== undefined) {
          // What a backend said is worth more than that another one could not be paid.
          lastError ??= refusal;
          break;
        }
        const limitMs = this.#limitMs(plan, index, deadline);
        const attempt = new TargetCall(this.#options, plan, target, state, options, deadline, limitMs);
        try {
          return await attempt.run(call, tries === 1);
        } catch (error) {
          if (options.signal.aborted) throw options.signal.reason;
          lastError = error;
          if (!isUpstreamError(error) || clock.monotonic() >= deadline) throw fail(error, options);
          const rule = retryRule(error.kind, error.status);
          const pause = rule.retrySame && tries <= plan.resolution.retries &&
              !(rule.preferNext && this.#healthyAfter(plan, index) > 0)
            ? this.#pauseMs(error, tries, deadline, state)
            : undefined;
          if (pause !== undefined) await this.#sleep(pause, options.signal);
          else if (rule.tryNext) break;
          else throw fail(error, options);
        }
      }
    }
    throw fail(lastError, options);
  }

  #healthyAfter({ targets }: Plan, index: number): number {
    const now = this.#options.clock.monotonic();
    let count = 0;
    for (let next = index + 1; next < targets.length; next++) {
      if (this.#options.states.unhealthy(targets[next]!.model, now) === undefined) count++;
    }
    return count;
  }

  /** How long this target may take until its answer begins; Infinity where only the deadline ends the wait. */
  #limitMs(plan: Plan, index: number, deadline: number): number {
    const { firstTokenMs } = plan.targets[index]!;
    if (plan.strategyRequest.stream) return firstTokenMs > 0 ? firstTokenMs : Infinity;
    const { wholeMs } = plan.timeouts;
    if (wholeMs > 0) return wholeMs;
    // One that hangs must leave the others enough time to answer.
    const others = this.#healthyAfter(plan, index);
    return others === 0 ? Infinity : (deadline - this.#options.clock.monotonic()) / (others + 1);
  }

  /** How long to wait before the same target is tried again; undefined when that makes no sense or is not allowed. */
  #pauseMs(error: UpstreamError, tries: number, deadline: number, state: TargetState): number | undefined {
    const { clock, random, backoffBaseMs, backoffMaxMs } = this.#options;
    const now = clock.monotonic();
    const pause = Math.max(error.retryAfterMs ?? 0, backoffMs(tries, backoffBaseMs, backoffMaxMs, random));
    if (pause > longestPauseMs || now + pause >= deadline) return undefined;
    return state.breaker.allows(now + pause) && state.budget.tryRetry(now) ? pause : undefined;
  }

  #sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        clock.clearTimeout(timer);
        reject(signal.reason);
      };
      const timer = clock.setTimeout(() => {
        signal.removeEventListener("abort", onAbort);
        resolve();
      }, milliseconds);
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }
}

function fail(error: unknown, { attempts }: AttemptOptions) {
  return toApiError(error, { retried: attempts.length > 1 });
}
