import type {
  PluginDefinition,
  Strategy,
  StrategyOutcome,
  StrategyRequest,
  StrategyTarget,
} from "intellirouter/plugin";
import { testHost } from "./test-host.ts";

/** Mulberry32: chance that is the same on every machine. */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

export function makeStrategy(
  plugin: PluginDefinition<"strategy">,
  options: Readonly<Record<string, unknown>> = {},
  random: () => number = seededRandom(1),
): Strategy {
  return plugin.create(plugin.options.parse(options), testHost({ random })) as Strategy;
}

export function target(id: string, overrides: Partial<StrategyTarget> = {}): StrategyTarget {
  return {
    id,
    provider: id,
    model: id,
    weight: 1,
    outstandingRequests: 0,
    outstandingTokens: 0,
    inputPrice: undefined,
    outputPrice: undefined,
    ...overrides,
  };
}

export function request(overrides: Partial<StrategyRequest> = {}): StrategyRequest {
  return {
    route: "route",
    promptTokens: 100,
    outputTokens: 100,
    maxOutputTokens: undefined,
    stream: true,
    user: undefined,
    principal: "tester",
    header: () => undefined,
    prompt: () => "",
    ...overrides,
  };
}

export function outcome(id: string, overrides: Partial<StrategyOutcome> = {}): StrategyOutcome {
  return {
    id,
    ok: true,
    promptTokens: 100,
    outputTokens: 100,
    firstTokenMs: 100,
    totalMs: 1_100,
    request: request(),
    ...overrides,
  };
}

export function order(
  strategy: Strategy,
  targets: readonly StrategyTarget[],
  asked: StrategyRequest = request(),
): string[] {
  return strategy.rank(targets, asked).map(({ id }) => id);
}

/** How often each target comes first. */
export function shares(
  strategy: Strategy,
  targets: readonly StrategyTarget[],
  rounds: number,
  asked = request(),
): Record<string, number> {
  const counts: Record<string, number> = Object.fromEntries(targets.map(({ id }) => [id, 0]));
  for (let round = 0; round < rounds; round++) {
    const first = strategy.rank(targets, asked)[0]!.id;
    counts[first]! += 1 / rounds;
  }
  return counts;
}
