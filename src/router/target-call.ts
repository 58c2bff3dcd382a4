import { ApiError } from "../lib/api-error.ts";
import type { Clock } from "../lib/clock.ts";
import type { Strategy } from "../plugin/api/strategy.ts";
import { isUpstreamError, UpstreamError } from "../plugin/api/upstream-error.ts";
import type { AttemptRecord } from "../schema/decision.ts";
import type {
  AttemptContext,
  AttemptOptions,
  AttemptResult,
  CatalogModel,
  Dispatched,
  Plan,
  PlannedTarget,
} from "./contracts.ts";
import { retryRule } from "./retry-policy.ts";
import { credentialPauseMs, type TargetState, type TargetStates } from "./target-states.ts";

export interface TargetCallOptions {
  readonly states: TargetStates;
  readonly clock: Clock;
  /** Told of an error that a plugin must not throw, and of a strategy's failure; must not throw. */
  readonly onPluginError: (where: string, error: unknown) => void;
}

/** A pause longer than this is not waited for: the client is told to come back. */
export const longestPauseMs = 60_000;

/** One call of one target, from its dispatch to its last byte. */
export class TargetCall {
  readonly #options: TargetCallOptions;
  readonly #plan: Plan;
  readonly #target: PlannedTarget;
  readonly #state: TargetState;
  readonly #series: AttemptOptions;
  readonly #deadline: number;
  readonly #limitMs: number;
  readonly #controller = new AbortController();
  readonly #tokens: number;
  readonly #startedAt: number;
  readonly #onClientLeft = () => this.#abort(this.#series.signal.reason);
  /** Ends the wait for the answer's beginning. */
  #giveUp: ((reason: unknown) => void) | undefined;
  #deadlineTimer: ReturnType<Clock["setTimeout"]> | undefined;
  #firstTokenMs: number | undefined;
  #probe = false;
  /** A time limit passed for which the target cannot be blamed. */
  #blameless = false;

  constructor(
    options: TargetCallOptions,
    plan: Plan,
    target: PlannedTarget,
    state: TargetState,
    series: AttemptOptions,
    deadline: number,
    limitMs: number,
  ) {
    this.#options = options;
    this.#plan = plan;
    this.#target = target;
    this.#state = state;
    this.#series = series;
    this.#deadline = deadline;
    this.#limitMs = limitMs;
    this.#tokens = plan.strategyRequest.promptTokens + plan.strategyRequest.outputTokens;
    this.#startedAt = options.clock.monotonic();
  }

  async run<T>(call: (context: AttemptContext) => Promise<T>, first: boolean): Promise<Dispatched<T>> {
    const { clock } = this.#options;
    const { model } = this.#target;
    const { stream } = this.#plan.strategyRequest;
    this.#begin(first);
    const leftMs = this.#deadline - this.#startedAt;
    const limitMs = Math.min(this.#limitMs, leftMs);
    const timer = limitMs === Infinity
      ? undefined
      : clock.setTimeout(() => this.#expire(limitMs, leftMs), limitMs);
    try {
      const value = await this.#untilAborted(call({ model, signal: this.#controller.signal }));
      if (stream) this.#firstTokenMs = clock.monotonic() - this.#startedAt;
      if (stream) {
        if (leftMs !== Infinity) this.#watchDeadline();
        // Whoever reads the stream from here on ends it, too, and may first want to hear what it has cost.
        this.#series.signal.removeEventListener("abort", this.#onClientLeft);
      }
      return {
        value,
        model,
        startedAt: this.#startedAt,
        firstTokenMs: this.#firstTokenMs,
        abort: (reason) => this.#abort(reason),
        finish: (result) => this.#finish(result),
      };
    } catch (thrown) {
      const error = this.#explain(thrown);
      this.#series.attempts.push(this.#finish({
        outcome: this.#series.signal.aborted ? "cancelled" : "error",
        error,
        outputTokens: 0,
      }));
      throw error;
    } finally {
      if (timer !== undefined) clock.clearTimeout(timer);
    }
  }

  #begin(first: boolean): void {
    this.#series.signal.throwIfAborted();
    this.#series.signal.addEventListener("abort", this.#onClientLeft);
    this.#state.outstandingRequests++;
    this.#state.outstandingTokens += this.#tokens;
    this.#probe = this.#state.breaker.begin(this.#startedAt);
    if (first) this.#state.budget.request(this.#startedAt);
  }

  /** A provider that does not heed the signal must not keep the request. */
  #untilAborted<T>(answer: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#giveUp = reject;
      answer.then(resolve, reject);
    });
  }

  #abort(reason: unknown): void {
    this.#controller.abort(reason);
    this.#giveUp?.(reason);
  }

  #expire(limitMs: number, leftMs: number): void {
    // The deadline blames a target only when it had all of the operator's time: clients can ask for less, and earlier
    // targets can have used it up.
    const { timeouts, resolution } = this.#plan;
    this.#blameless = limitMs === leftMs &&
      (timeouts.totalMs !== resolution.timeouts.totalMs || this.#series.attempts.length > 0);
    const what = limitMs < leftMs
      ? `no ${this.#plan.strategyRequest.stream ? "first token" : "answer"} within ${Math.round(limitMs)} ms`
      : `no answer before the request's deadline`;
    this.#abort(
      new UpstreamError({
        kind: "timeout",
        message: `The target ${this.#target.model.id} gave ${what}.`,
        ownWords: true,
      }),
    );
  }

  /** A stream that has begun still ends at the deadline. */
  #watchDeadline(): void {
    const { clock } = this.#options;
    this.#deadlineTimer = clock.setTimeout(() => {
      this.#blameless = true;
      const message = `The answer of ${this.#target.model.id} was not complete at the request's deadline.`;
      this.#abort(new UpstreamError({ kind: "timeout", message, ownWords: true }));
    }, Math.max(0, this.#deadline - clock.monotonic()));
  }

  /** The timer's reason is what happened, whatever the aborted call makes of it; a plugin's own errors are its defects. */
  #explain(thrown: unknown): unknown {
    if (this.#series.signal.aborted) return this.#series.signal.reason;
    if (this.#controller.signal.aborted) return this.#controller.signal.reason;
    // The gateway itself may refuse what a call of its own would do.
    if (isUpstreamError(thrown) || thrown instanceof ApiError) return thrown;
    this.#options.onPluginError(this.#target.model.provider, thrown);
    return new UpstreamError({
      kind: "bad_response",
      message: `The provider ${this.#target.model.provider} failed.`,
      cause: thrown,
    });
  }

  #finish(result: AttemptResult): AttemptRecord {
    const { clock } = this.#options;
    const now = clock.monotonic();
    this.#series.signal.removeEventListener("abort", this.#onClientLeft);
    if (this.#deadlineTimer !== undefined) clock.clearTimeout(this.#deadlineTimer);
    this.#state.outstandingRequests--;
    this.#state.outstandingTokens -= this.#tokens;
    this.#judge(result, now);
    const { model } = this.#target;
    this.#tellStrategy(this.#plan.resolution.strategyPlugin, model, result, now);
    const upstream = isUpstreamError(result.error) ? result.error : undefined;
    return {
      target: model.id,
      outcome: result.outcome,
      ...(upstream === undefined ? {} : { error: upstream.kind, message: upstream.message }),
      ...(upstream?.status === undefined ? {} : { status: upstream.status }),
      start_ms: round(this.#startedAt - this.#series.arrivedAt),
      ...(this.#firstTokenMs === undefined ? {} : { first_token_ms: round(this.#firstTokenMs) }),
      duration_ms: round(now - this.#startedAt),
    };
  }

  /** Whose fault was it? */
  #judge({ outcome, error }: AttemptResult, now: number): void {
    const { states } = this.#options;
    const { provider } = this.#target.model;
    if (outcome === "ok") {
      this.#state.lastError = undefined;
      states.acceptCredential(provider);
      return this.#state.breaker.succeed();
    }
    if (!isUpstreamError(error) || this.#blameless) return this.#state.breaker.neutral(this.#probe);
    const { fault } = retryRule(error.kind, error.status);
    if (fault === "none") return this.#state.breaker.neutral(this.#probe);
    this.#state.lastError = describe(error);
    if (fault === "failure") return this.#state.breaker.fail(now, this.#probe);
    this.#state.breaker.neutral(this.#probe);
    if (fault === "credential") states.refuseCredential(provider, now);
    else {
      const pauseMs = fault === "forbidden"
        ? credentialPauseMs
        : Math.min(error.retryAfterMs ?? 1_000, longestPauseMs);
      // A later complaint without a delay must not cut short the pause that an earlier one asked for.
      this.#state.coolUntil = Math.max(this.#state.coolUntil, now + pauseMs);
    }
  }

  #tellStrategy(strategy: Strategy, model: CatalogModel, result: AttemptResult, now: number): void {
    if (strategy.onOutcome === undefined) return;
    try {
      strategy.onOutcome({
        id: model.id,
        ok: result.outcome === "ok",
        ...(result.outcome === "ok" ? {} : {
          error: result.outcome === "cancelled"
            ? "cancelled"
            : isUpstreamError(result.error)
            ? result.error.kind
            : "unavailable",
        }),
        promptTokens: this.#plan.strategyRequest.promptTokens,
        outputTokens: result.outputTokens,
        ...(this.#firstTokenMs === undefined ? {} : { firstTokenMs: this.#firstTokenMs }),
        totalMs: now - this.#startedAt,
        request: this.#plan.strategyRequest,
      });
    } catch (error) {
      this.#options.onPluginError(`strategy ${this.#plan.resolution.strategy}`, error);
    }
  }
}

function round(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}

/** What other requests may be told of it: a backend's words can repeat those of the client that asked. */
function describe({ kind, status, message, ownWords }: UpstreamError): string {
  if (ownWords) return `${kind}: ${message}`;
  return status === undefined ? kind : `${kind} (status ${status})`;
}
