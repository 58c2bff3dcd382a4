import type { AccountBook } from "../auth/accounts/account-book.ts";
import type { AccountManager } from "../auth/accounts/account-manager.ts";
import { openDataDirectory } from "../config/data-directory.ts";
import type { Environment } from "../config/environment.ts";
import type { LoadedSettings } from "../config/load-settings.ts";
import { systemClock } from "../lib/clock.ts";
import { ConfigError } from "../lib/config-error.ts";
import { Logger } from "../telemetry/logger.ts";
import { staticAccounts } from "./decide-access.ts";
import { openAccounts } from "./open-accounts.ts";
import { openRedis } from "./open-redis.ts";
import { openAuditLog } from "./open-telemetry.ts";

/** What a command needs of its surroundings. */
export interface CommandWorld {
  readonly environment: Environment;
  readonly cwd: string;
  readonly stderr: (text: string) => void;
}

export interface OpenedCommandAccounts {
  readonly book: AccountBook;
  readonly manager: AccountManager;
  close(): void | Promise<void>;
}

/** The folder that a command works on. @throws {ConfigError} when there is none. */
export function commandDataDirectory(flag: string | undefined, { environment, cwd }: CommandWorld): string {
  const { path, warning } = openDataDirectory(flag, environment, cwd);
  if (path !== undefined) return path;
  throw new ConfigError([{
    message: warning ?? "there is no writable data directory; name one with --data-dir.",
  }]);
}

/** Opens the accounts of a data directory for one command. */
export async function openCommandAccounts(
  loaded: LoadedSettings,
  dataDirectory: string | undefined,
  world: CommandWorld,
): Promise<OpenedCommandAccounts> {
  const logger = commandLogger(world);
  const path = commandDataDirectory(dataDirectory, world);
  const shared = { dataDirectory: path, clock: systemClock, logger };
  const redis = await openRedis(loaded, world.environment, shared);
  const auditLog = openAuditLog(path, systemClock);
  const accounts = await openAccounts(shared, (act) => void auditLog.record(act), redis);
  accounts.book.configure(staticAccounts(loaded, world.environment));
  return {
    ...accounts,
    close: async () => {
      await accounts.close();
      redis?.close();
      auditLog.close();
    },
  };
}

export function commandLogger({ stderr }: CommandWorld): Logger {
  return new Logger({ level: "warn", format: "pretty", now: () => systemClock.now(), write: stderr });
}
