import type { Principal } from "../auth/principal.ts";
import type { LoadedSettings } from "../config/load-settings.ts";
import type { ModelCaller } from "../gateway/internal-call.ts";
import type { GatewayMemory } from "../gateway/memory/gateway-memory.ts";
import type { MemoryModels } from "../memory/contracts.ts";
import { MemoryPolicies } from "../memory/policies.ts";
import type { Logger } from "../telemetry/logger.ts";
import { memoryModels } from "./memory-models.ts";
import type { MemoryRole } from "./open-memory.ts";

/** Memory as requests use it. */
export function gatewayMemory(
  role: MemoryRole,
  caller: () => ModelCaller,
  current: () => LoadedSettings,
  logger: Logger,
): GatewayMemory {
  const known: { loaded?: LoadedSettings; policies?: MemoryPolicies } = {};
  return {
    open: async () => (await role.open()).memory,
    policies() {
      const loaded = current();
      if (known.loaded !== loaded || known.policies === undefined) {
        known.loaded = loaded;
        known.policies = new MemoryPolicies(loaded.settings);
      }
      return known.policies;
    },
    embedding(exchange) {
      const { embedding_model: model, recall_timeout_ms: limit } = current().settings.memory;
      if (model === undefined) return undefined;
      // Nobody waits for it any longer: neither should its backend work on.
      const signal = AbortSignal.any([exchange.signal, AbortSignal.timeout(limit)]);
      const { principal, requestId, decisionId, depth } = exchange;
      return { model, models: memoryModels(caller(), { principal, requestId, decisionId, depth, signal }) };
    },
    onError: (message, error) =>
      logger.warn(message, { error: error instanceof Error ? error.message : error }),
  };
}

/** Models for work in the background, on behalf of whoever spoke last: with its rights and limits as they are by then. */
export function backgroundModels(
  caller: () => ModelCaller,
  principalOf: (id: string) => Principal | undefined,
): (id: string, signal: AbortSignal) => MemoryModels | undefined {
  return (id, signal) => {
    const principal = principalOf(id);
    if (principal === undefined) return undefined;
    const requestId = `memory_${crypto.randomUUID()}`;
    return memoryModels(caller(), { principal, requestId, decisionId: requestId, depth: 0, signal });
  };
}
