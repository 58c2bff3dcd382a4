import type { LoadedSettings } from "../config/load-settings.ts";
import type { GatewayRetrieval } from "../gateway/retrieval/gateway-retrieval.ts";
import { systemClock } from "../lib/clock.ts";
import { ShutdownCoordinator } from "../lib/shutdown-coordinator.ts";
import type { AnyPlugin } from "../plugin/api/define-plugin.ts";
import { createEgress } from "../plugin/host/egress.ts";
import type { Retrieval } from "../rag/retrieval.ts";
import { Logger } from "../telemetry/logger.ts";
import { commandDataDirectory, commandLogger, type CommandWorld } from "./command-accounts.ts";
import { RetrievalRole } from "./open-retrieval.ts";
import { runRouter } from "./run-router.ts";

export interface RetrievalWorld extends CommandWorld {
  readonly plugins: readonly AnyPlugin[];
  readonly version: string;
}

export interface CommandRetrieval {
  readonly retrieval: Retrieval;
  close(): Promise<void>;
}

export interface CommandGateway extends CommandRetrieval {
  readonly search: GatewayRetrieval["search"];
}

/** Opens the vector stores of a data directory for one command. Nothing is read in the background. */
export function openCommandRetrieval(
  loaded: LoadedSettings,
  dataDirectory: string | undefined,
  world: RetrievalWorld,
): CommandRetrieval {
  const role = new RetrievalRole({
    clock: systemClock,
    random: Math.random,
    logger: commandLogger(world),
    egress: createEgress(),
    dataDirectory: commandDataDirectory(dataDirectory, world),
    builtins: world.plugins,
    settings: () => loaded.settings,
  });
  return { retrieval: role.open(), close: () => role.close() };
}

/**
 * A gateway of the command's own, beside one that may be running: files are read and vectors are made as ever, through the one pipeline,
 * and booked. It listens on loopback, at a port that nobody is told.
 */
export async function openCommandGateway(
  loaded: LoadedSettings,
  dataDirectory: string | undefined,
  world: RetrievalWorld,
): Promise<CommandGateway> {
  const path = commandDataDirectory(dataDirectory, world);
  const logger = new Logger({
    level: "error",
    format: "pretty",
    now: () => systemClock.now(),
    write: world.stderr,
  });
  const shutdown = new ShutdownCoordinator({ clock: systemClock, drainDelayMs: 0, graceMs: 10_000 });
  const { settings } = loaded;
  const server = {
    ...settings.server,
    host: "127.0.0.1",
    port: 0,
    admin_listen: undefined,
    metrics_listen: undefined,
  };
  const own = { ...loaded, file: undefined, settings: { ...settings, server } };
  const running = await runRouter({
    loaded: own,
    reload: () => Promise.resolve(own),
    builtins: world.plugins,
    environment: world.environment,
    dataDirectory: path,
    cwd: world.cwd,
    logger,
    clock: systemClock,
    random: Math.random,
    version: world.version,
    shutdown,
  });
  await running.discovered;
  const { retrieval } = running;
  return {
    retrieval: retrieval.open(),
    search: retrieval.search,
    close: async () => void (await shutdown.shutdown()),
  };
}
