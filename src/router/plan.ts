import { ApiError } from "../lib/api-error.ts";
import type { RankedTarget, Strategy, StrategyRequest, StrategyTarget } from "../plugin/api/strategy.ts";
import type { Candidate, Filter } from "../schema/decision.ts";
import type {
  CatalogModel,
  Plan,
  PlannedTarget,
  RequestFacts,
  Resolution,
  ResolvedTarget,
} from "./contracts.ts";
import { type Hints, noHints, readHints } from "./hints.ts";
import type { TargetStates } from "./target-states.ts";

export interface PlannerOptions {
  readonly states: TargetStates;
  /** Requests may narrow the choice by headers. */
  readonly hints: boolean;
  /** Told when a strategy throws; must not throw. */
  readonly onStrategyError: (strategy: string, error: unknown) => void;
}

/** Assumed length of an answer whose limit the client did not give, in tokens. */
const assumedOutputTokens = 512;

/** Orders the targets of a resolution: hard filters first, then the strategy. */
export class Planner {
  readonly #options: PlannerOptions;

  constructor(options: PlannerOptions) {
    this.#options = options;
  }

  /**
   * @param candidates gets one entry for every target, also when none remains.
   * @param now monotonic milliseconds
   * @throws {ApiError} by the filter that says most, when no target remains.
   */
  plan(resolution: Resolution, facts: RequestFacts, candidates: Candidate[], now: number): Plan {
    const hints = this.#options.hints ? readHints(facts.headers) : noHints;
    const survivors: ResolvedTarget[] = [];
    let soonest = Infinity;
    for (const target of resolution.targets) {
      const removal = this.#remove(target, resolution, facts, hints, now);
      if (removal === undefined) {
        survivors.push(target);
        continue;
      }
      if (removal.retryAfterMs !== undefined) soonest = Math.min(soonest, removal.retryAfterMs);
      candidates.push({
        target: target.model?.id ?? target.name,
        removed_by: removal.filter,
        reason: removal.reason,
      });
    }
    if (survivors.length === 0) throw noTarget(facts, candidates, soonest);

    const request = strategyRequest(resolution, facts);
    const targets = this.#rank(resolution, survivors, request, candidates);
    if (targets.length === 0) throw noTarget(facts, candidates, soonest);
    const { timeouts } = resolution;
    return {
      resolution,
      strategyRequest: request,
      targets,
      timeouts: hints.timeoutMs < (timeouts.totalMs || Infinity)
        ? { ...timeouts, totalMs: hints.timeoutMs }
        : timeouts,
    };
  }

  #remove(
    target: ResolvedTarget,
    resolution: Resolution,
    facts: RequestFacts,
    hints: Hints,
    now: number,
  ): { filter: Filter; reason: string; retryAfterMs?: number } | undefined {
    const { model } = target;
    if (model === undefined) return { filter: "unknown", reason: `there is no target ${target.name}` };
    const hint = hints.refuses(model);
    if (hint !== undefined) return { filter: "hint", reason: hint };
    if (!facts.mayUse(model.id)) {
      return { filter: "permission", reason: `${facts.principal.id} may not use it` };
    }
    if (!serves(model, facts.operation)) {
      return { filter: "operation", reason: `it does not serve ${facts.operation}` };
    }
    const lack = lackOf(model, facts);
    if (lack !== undefined) return { filter: "capability", reason: `it does not take ${lack}` };
    const { promptTokens, maxOutputTokens = 0 } = facts;
    if (model.contextLength !== undefined && promptTokens + maxOutputTokens > model.contextLength) {
      const answer = maxOutputTokens === 0 ? "" : `, the answer may have ${maxOutputTokens}`;
      return {
        filter: "context_length",
        reason:
          `the prompt has about ${promptTokens} tokens${answer}, and its context is ${model.contextLength}`,
      };
    }
    const price = tooDear(model, resolution);
    if (price !== undefined) return { filter: "price", reason: price };
    const health = this.#options.states.unhealthy(model, now);
    if (health === undefined) return undefined;
    const because = health.lastError === undefined ? "" : `: ${health.lastError}`;
    return { filter: "health", reason: `${health.state}${because}`, retryAfterMs: health.retryAfterMs };
  }

  #rank(
    resolution: Resolution,
    survivors: readonly ResolvedTarget[],
    request: StrategyRequest,
    candidates: Candidate[],
  ): PlannedTarget[] {
    const only = survivors[0]!;
    // A route's strategy is asked about a single target too: it may have limits of its own.
    if (resolution.route === undefined && survivors.length === 1) {
      candidates.push({ target: only.model!.id, rank: 1 });
      return [planned(only, resolution)];
    }
    // An alias and the model that it stands for are one target.
    const byId = new Map<string, ResolvedTarget>();
    for (const target of survivors) if (!byId.has(target.model!.id)) byId.set(target.model!.id, target);
    const distinct = byId.size === survivors.length ? survivors : [...byId.values()];
    const ranked = this.#askStrategy(resolution.strategyPlugin, resolution.strategy, distinct, request);
    const targets: PlannedTarget[] = [];
    for (const { id, score, propensity } of ranked) {
      const target = byId.get(id);
      if (target === undefined) continue;
      byId.delete(id);
      targets.push(planned(target, resolution));
      candidates.push({
        target: id,
        rank: targets.length,
        ...(Number.isFinite(score) ? { score: score! } : {}),
        ...(Number.isFinite(propensity) ? { propensity: propensity! } : {}),
      });
    }
    for (const id of byId.keys()) {
      candidates.push({ target: id, removed_by: "strategy", reason: "left out by the strategy" });
    }
    return targets;
  }

  #askStrategy(
    strategy: Strategy,
    name: string,
    survivors: readonly ResolvedTarget[],
    request: StrategyRequest,
  ): readonly RankedTarget[] {
    const targets = survivors.map((target) => this.#strategyTarget(target));
    try {
      const ranked: unknown = strategy.rank(targets, request);
      if (isRanking(ranked)) return ranked;
      throw new TypeError("rank() must return a list of { id }");
    } catch (error) {
      this.#options.onStrategyError(name, error);
      return targets.map(({ id }) => ({ id }));
    }
  }

  #strategyTarget({ model, weight }: ResolvedTarget): StrategyTarget {
    const state = this.#options.states.of(model!);
    return {
      id: model!.id,
      provider: model!.provider,
      model: model!.model,
      weight,
      outstandingRequests: state.outstandingRequests,
      outstandingTokens: state.outstandingTokens,
      inputPrice: model!.inputPrice,
      outputPrice: model!.outputPrice,
    };
  }
}

/** Strategies are plugins: their types may have been left unchecked. */
function isRanking(ranked: unknown): ranked is readonly RankedTarget[] {
  return Array.isArray(ranked) && ranked.every((entry) => typeof entry?.id === "string");
}

function planned(target: ResolvedTarget, resolution: Resolution): PlannedTarget {
  return { model: target.model!, firstTokenMs: target.firstTokenMs ?? resolution.timeouts.firstTokenMs };
}

function serves(model: CatalogModel, operation: RequestFacts["operation"]): boolean {
  if (!model.operations.has(operation)) return false;
  if (operation.startsWith("/")) return true;
  return operation === "embeddings" ? model.embeddings !== false : model.chat !== false;
}

function lackOf(model: CatalogModel, facts: RequestFacts): string | undefined {
  if (facts.needsTools && model.tools === false) return "tools";
  if (facts.needsVision && model.vision === false) return "images";
  if (facts.needsJsonSchema && model.jsonSchema === false) return "a JSON schema for its answer";
  return undefined;
}

function tooDear(model: CatalogModel, { maxInputPrice, maxOutputPrice }: Resolution): string | undefined {
  for (
    const [price, limit, what] of [
      [model.inputPrice, maxInputPrice, "input"],
      [model.outputPrice, maxOutputPrice, "output"],
    ] as const
  ) {
    if (limit === undefined) continue;
    if (price === undefined) return `its ${what} price is unknown and the route has a limit`;
    if (price > limit) return `its ${what} price is ${price} and the route allows ${limit}`;
  }
  return undefined;
}

export function strategyRequest(resolution: Resolution, facts: RequestFacts): StrategyRequest {
  return {
    route: resolution.route ?? facts.model,
    promptTokens: facts.promptTokens,
    outputTokens: Math.min(facts.maxOutputTokens ?? assumedOutputTokens, assumedOutputTokens),
    maxOutputTokens: facts.maxOutputTokens,
    stream: facts.stream,
    user: facts.user,
    principal: facts.principal.id,
    header: (name) =>
      /authorization|key|cookie/i.test(name) ? undefined : facts.headers.get(name) ?? undefined,
    prompt: () => facts.prompt(),
  };
}

/** The last filter that a target reached says most: one that is merely unwell would have served. */
const tellingOrder: readonly Filter[] = [
  "health",
  "strategy",
  "price",
  "context_length",
  "capability",
  "operation",
  "permission",
  "hint",
  "unknown",
];

function noTarget(facts: RequestFacts, candidates: readonly Candidate[], retryAfterMs: number): ApiError {
  const filter =
    tellingOrder.find((known) => candidates.some((candidate) => candidate.removed_by === known)) ?? "unknown";
  const reasons = candidates.filter((candidate) => candidate.removed_by === filter).map((
    { target, reason },
  ) => `${target}: ${reason}`);
  const because = reasons.slice(0, 5).join("; ");
  const name = `\`${facts.model}\``;
  switch (filter) {
    case "health":
      return new ApiError({
        status: 503,
        code: "no_healthy_target",
        message: `No target of ${name} is healthy at the moment (${because}).`,
        retryAfterMs: retryAfterMs === Infinity ? 1_000 : retryAfterMs,
      });
    case "context_length":
      return new ApiError({
        status: 400,
        code: "context_length_exceeded",
        param: "messages",
        message: `The request is longer than the context of every target of ${name} (${because}).`,
      });
    case "permission":
      return new ApiError({
        status: 403,
        code: "model_not_allowed",
        param: "model",
        message: `This key may not use the model ${name}.`,
      });
    case "unknown":
      return new ApiError({
        status: 404,
        code: "model_not_found",
        param: "model",
        message: `The model ${name} has no target that exists (${because}).`,
      });
    case "strategy":
      return new ApiError({
        status: 503,
        code: "no_target_allowed",
        message: `The route's strategy allows no target of ${name} for this request.`,
      });
    default:
      return new ApiError({
        status: 400,
        code: filter === "operation"
          ? "unsupported_operation"
          : filter === "capability"
          ? "unsupported_capability"
          : "no_target_allowed",
        message: `No target of ${name} can serve this request (${because}).`,
      });
  }
}
