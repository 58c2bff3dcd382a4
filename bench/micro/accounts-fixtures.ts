import type { CatalogModel } from "../../src/router/contracts.ts";
import type { Decision } from "../../src/schema/decision.ts";

/** A model with a price, as the registry describes it. */
export const pricedModel: CatalogModel = {
  id: "one/bench",
  provider: "one",
  model: "bench",
  operations: new Set(["chat"]),
  chat: true,
  embeddings: undefined,
  tools: undefined,
  vision: undefined,
  jsonSchema: undefined,
  contextLength: undefined,
  inputPrice: 0.15,
  outputPrice: 0.6,
  price: {
    version: "bench",
    input: 0.15,
    output: 0.6,
    cachedInput: undefined,
    cacheWrite: undefined,
    perRequest: undefined,
    tiers: [],
  },
  maxOutputTokens: undefined,
};

/** The record of a request of 200 tokens that was answered with 175. */
export function decisionFixture(): Decision {
  return {
    id: "dec_bench",
    time: new Date().toISOString(),
    request_id: "req_bench",
    operation: "chat",
    model: "bench",
    strategy: "priority",
    principal: "bench",
    team: "core",
    stream: false,
    policy: "0",
    candidates: [{ target: "one/bench", rank: 1 }],
    attempts: [{ target: "one/bench", outcome: "ok", start_ms: 0.1, duration_ms: 0.5 }],
    target: "one/bench",
    outcome: "ok",
    status: 200,
    usage: {
      prompt_tokens: 200,
      completion_tokens: 175,
      cached_tokens: 0,
      cache_write_tokens: 0,
      reasoning_tokens: 0,
      estimated: false,
    },
    cost_usd: 0.000135,
    price_version: "bench",
    timing: { queue_ms: 0.1, total_ms: 0.7, gateway_ms: 0.2 },
  };
}
