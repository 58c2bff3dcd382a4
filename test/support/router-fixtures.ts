import type { Strategy } from "intellirouter/plugin";
import type {
  CatalogModel,
  Plan,
  RequestFacts,
  Resolution,
  ResolvedTarget,
} from "../../src/router/contracts.ts";
import { TargetStates, type TargetStateSettings } from "../../src/router/target-states.ts";

/** A model that can do everything, of unknown size and price. */
export function catalogModel(id: string, overrides: Partial<CatalogModel> = {}): CatalogModel {
  const slash = id.indexOf("/");
  return {
    id,
    provider: id.slice(0, slash),
    model: id.slice(slash + 1),
    operations: new Set(["chat", "completions", "embeddings"]),
    chat: undefined,
    embeddings: undefined,
    tools: undefined,
    vision: undefined,
    jsonSchema: undefined,
    contextLength: undefined,
    inputPrice: undefined,
    outputPrice: undefined,
    price: undefined,
    maxOutputTokens: undefined,
    ...overrides,
  };
}

export function requestFacts(overrides: Partial<RequestFacts> = {}): RequestFacts {
  const body = overrides.body ??
    { model: overrides.model ?? "smart", messages: [{ role: "user", content: "Hello" }] };
  return {
    operation: "chat",
    model: "smart",
    body,
    headers: new Headers(),
    stream: true,
    promptTokens: 10,
    maxOutputTokens: undefined,
    needsTools: false,
    needsVision: false,
    needsJsonSchema: false,
    user: undefined,
    principal: { id: "tester", roles: ["developer"] },
    mayUse: () => true,
    prompt: () => "Hello",
    ...overrides,
  };
}

export const configuredOrder: Strategy = { rank: (targets) => targets.map(({ id }) => ({ id })) };

export function resolvedTarget(
  model: CatalogModel | string,
  overrides: Partial<ResolvedTarget> = {},
): ResolvedTarget {
  const found = typeof model === "string" ? catalogModel(model) : model;
  return { name: found.id, model: found, weight: 1, firstTokenMs: undefined, ...overrides };
}

export function resolutionOf(
  targets: readonly (ResolvedTarget | string)[],
  overrides: Partial<Resolution> = {},
): Resolution {
  return {
    route: "smart",
    routeIndex: 0,
    passedOver: [],
    strategy: "priority",
    strategyPlugin: configuredOrder,
    targets: targets.map((target) => typeof target === "string" ? resolvedTarget(target) : target),
    retries: 2,
    timeouts: { firstTokenMs: 1_000, wholeMs: 0, idleMs: 1_000, totalMs: 60_000 },
    onLoss: "warn",
    persona: undefined,
    cacheTtlMs: 0,
    maxInputPrice: undefined,
    maxOutputPrice: undefined,
    ...overrides,
  };
}

/** A plan as the planner makes it when every target is well. */
export function planOf(
  targets: readonly string[],
  overrides: Partial<Plan> & { readonly stream?: boolean } = {},
): Plan {
  const resolution = overrides.resolution ?? resolutionOf(targets);
  return {
    resolution,
    strategyRequest: {
      route: "smart",
      promptTokens: 10,
      outputTokens: 90,
      maxOutputTokens: undefined,
      stream: overrides.stream ?? true,
      user: undefined,
      principal: "tester",
      header: () => undefined,
      prompt: () => "Hello",
    },
    targets: resolution.targets.map((target) => ({
      model: target.model!,
      firstTokenMs: target.firstTokenMs ?? resolution.timeouts.firstTokenMs,
    })),
    timeouts: resolution.timeouts,
    ...overrides,
  };
}

export const stateSettings: TargetStateSettings = {
  breaker: { failures: 3, openMs: 10_000, maxOpenMs: 60_000 },
  retryBudget: 0.2,
  retryBudgetMin: 3,
};

export function targetStates(overrides: Partial<TargetStateSettings> = {}): TargetStates {
  return new TargetStates({ ...stateSettings, ...overrides });
}
