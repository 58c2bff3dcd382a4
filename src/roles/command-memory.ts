import type { LoadedSettings } from "../config/load-settings.ts";
import { systemClock } from "../lib/clock.ts";
import type { MemoryAdministration } from "../memory/memory-administration.ts";
import type { AnyPlugin } from "../plugin/api/define-plugin.ts";
import { createEgress } from "../plugin/host/egress.ts";
import { commandDataDirectory, commandLogger, type CommandWorld } from "./command-accounts.ts";
import { MemoryRole } from "./open-memory.ts";
import { openRedis } from "./open-redis.ts";
import { openAuditLog } from "./open-telemetry.ts";

export interface CommandMemory {
  readonly administration: MemoryAdministration;
  close(): Promise<void>;
}

/** Opens the memory of a data directory, or of the engines of the configuration, for one command. Nothing works in the background. */
export async function openCommandMemory(
  loaded: LoadedSettings,
  dataDirectory: string | undefined,
  world: CommandWorld & { readonly plugins: readonly AnyPlugin[] },
): Promise<CommandMemory> {
  const logger = commandLogger(world);
  const path = commandDataDirectory(dataDirectory, world);
  const shared = { dataDirectory: path, clock: systemClock, logger };
  const redis = await openRedis(loaded, world.environment, shared);
  const auditLog = openAuditLog(path, systemClock);
  const role = new MemoryRole({
    ...shared,
    random: Math.random,
    egress: createEgress(),
    builtins: world.plugins,
    settings: () => loaded.settings,
    conversations: redis?.conversations,
    audit: (act) => void auditLog.record(act),
  });
  const { administration } = await role.open();
  return {
    administration,
    async close() {
      await role.close();
      redis?.close();
      auditLog.close();
    },
  };
}
