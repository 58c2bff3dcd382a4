import type { Clock } from "../lib/clock.ts";
import type { PluginLogger } from "../plugin/api/host.ts";
import type { Strategy } from "../plugin/api/strategy.ts";
import type { Candidate } from "../schema/decision.ts";
import type { RoutingSettings } from "../schema/settings.ts";
import { Attempter } from "./attempt.ts";
import type {
  AttemptContext,
  AttemptOptions,
  Dispatched,
  ModelCatalog,
  Plan,
  RequestFacts,
  Resolution,
} from "./contracts.ts";
import { Planner } from "./plan.ts";
import { type CompiledRoute, Resolver, type ResolverOptions } from "./resolve.ts";
import type { TargetStates } from "./target-states.ts";

export interface RouterOptions {
  readonly routes: readonly CompiledRoute[];
  readonly routing: RoutingSettings;
  readonly catalog: ModelCatalog;
  readonly directStrategy: Strategy;
  readonly personas?: ResolverOptions["personas"];
  /** Handed in, so that it outlives a configuration. */
  readonly states: TargetStates;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: PluginLogger;
}

/** The same complaint is logged once in this time, in milliseconds. */
const complaintEveryMs = 60_000;

/** resolve → plan → attempt. */
export class Router {
  readonly #clock: Clock;
  readonly #logger: PluginLogger;
  readonly #resolver: Resolver;
  readonly #planner: Planner;
  readonly #attempter: Attempter;
  readonly #complaints = new Map<string, number>();

  constructor(options: RouterOptions) {
    const { states, clock, random, routing } = options;
    this.#clock = clock;
    this.#logger = options.logger;
    this.#resolver = new Resolver(options);
    this.#planner = new Planner({
      states,
      hints: routing.hints,
      onStrategyError: (strategy, error) =>
        this.#complain(`the strategy ${strategy} failed; the configured order is used`, error),
    });
    this.#attempter = new Attempter({
      states,
      clock,
      random,
      backoffBaseMs: routing.backoff_base_ms,
      backoffMaxMs: routing.backoff_max_ms,
      onPluginError: (where, error) => this.#complain(`${where} threw what a plugin must not throw`, error),
    });
  }

  /** @throws {ApiError} 404 */
  resolve(facts: RequestFacts): Resolution {
    return this.#resolver.resolve(facts, this.#clock.now());
  }

  /** @throws {ApiError} when no target may or can serve. `candidates` then still tells why. */
  plan(resolution: Resolution, facts: RequestFacts, candidates: Candidate[]): Plan {
    return this.#planner.plan(resolution, facts, candidates, this.#clock.monotonic());
  }

  attempt<T>(
    plan: Plan,
    call: (context: AttemptContext) => Promise<T>,
    options: AttemptOptions,
  ): Promise<Dispatched<T>> {
    return this.#attempter.attempt(plan, call, options);
  }

  #complain(message: string, error: unknown): void {
    const now = this.#clock.monotonic();
    if (now - (this.#complaints.get(message) ?? -Infinity) < complaintEveryMs) return;
    this.#complaints.set(message, now);
    this.#logger.error(message, {
      error: error instanceof Error ? error.stack ?? error.message : String(error),
    });
  }
}
