import type { Principal } from "../auth/principal.ts";
import type { LoadedSettings } from "../config/load-settings.ts";
import type { ModelCaller } from "../gateway/internal-call.ts";
import type { GatewayMemory } from "../gateway/memory/gateway-memory.ts";
import type { GatewayRetrieval } from "../gateway/retrieval/gateway-retrieval.ts";
import type { ShutdownCoordinator } from "../lib/shutdown-coordinator.ts";
import type { MetricSource } from "../schema/metrics.ts";
import { backgroundModels, gatewayMemory } from "./gateway-memory.ts";
import { gatewayRetrieval } from "./gateway-retrieval.ts";
import { MemoryRole, type MemoryWorld, type OpenedMemory } from "./open-memory.ts";

export interface ModulesOptions {
  readonly world: Omit<MemoryWorld, "conversations" | "modelsOf">;
  readonly conversations: MemoryWorld["conversations"];
  readonly caller: () => ModelCaller;
  /** The caller of an id, as it now is. */
  readonly principalOf: (id: string) => Principal | undefined;
  readonly current: () => LoadedSettings;
  readonly metrics: { register(source: MetricSource): void };
  readonly shutdown: ShutdownCoordinator;
}

/** What knows things: memory and retrieval. */
export interface Modules {
  readonly memory: GatewayMemory;
  readonly retrieval: GatewayRetrieval;
  openMemory(): Promise<OpenedMemory>;
  /** Goes on with what an earlier run has left to do. */
  resume(): Promise<void>;
}

/** Nothing is opened yet. */
export function openModules(options: ModulesOptions): Modules {
  const { world, conversations, caller, principalOf, current, metrics, shutdown } = options;
  const memoryRole = new MemoryRole({
    ...world,
    conversations,
    modelsOf: backgroundModels(caller, principalOf),
  });
  const memory = gatewayMemory(memoryRole, caller, current, world.logger);
  const retrieval = gatewayRetrieval(world, caller, principalOf);
  metrics.register(memoryRole.meter);
  metrics.register(retrieval.role.meter);
  shutdown.register("memory", () => memoryRole.close());
  shutdown.register("retrieval", () => retrieval.role.close());
  return {
    memory,
    retrieval: retrieval.gateway,
    openMemory: () => memoryRole.open(),
    async resume() {
      if (memoryRole.hasFiles || memory.policies().isUsed) {
        await memoryRole.open().catch((error) =>
          world.logger.error("the memory cannot be opened", { error })
        );
      }
      try {
        if (retrieval.role.hasFiles) retrieval.role.open();
      } catch (error) {
        world.logger.error("the vector stores cannot be opened", { error });
      }
    },
  };
}
