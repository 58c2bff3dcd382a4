import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../lib/clock.ts";
import { openSqlite } from "../../runtime/sqlite.ts";
import type { DownloadSettings } from "../../schema/settings.ts";
import type { EgressFetch, PluginHost, PluginLogger } from "../api/host.ts";

export interface HostEnvironment {
  readonly logger: PluginLogger;
  readonly egress: EgressFetch;
  readonly clock: Clock;
  readonly random: () => number;
  readonly downloads: DownloadSettings;
  /** Writable folder; undefined when the gateway keeps everything in memory. */
  readonly dataDirectory: string | undefined;
}

/**
 * What one plugin instance is handed.
 *
 * @param owner a unique name such as `store-sqlite`; it becomes the prefix of the plugin's files.
 * @param secrets the secrets that the configuration gives this instance, by name.
 * @param variables the environment variables that it may read.
 */
export function createPluginHost(
  environment: HostEnvironment,
  owner: string,
  secrets: Readonly<Record<string, string>> = {},
  variables: Readonly<Record<string, string>> = {},
): PluginHost {
  const { logger, egress, clock, random, downloads, dataDirectory } = environment;
  return {
    logger,
    fetch: egress,
    download: async (url, signal) => {
      // Few gateways need it, and its libraries cost memory.
      const { createDownload } = await import("./download.ts");
      return await createDownload(downloads)(url, signal);
    },
    now: () => clock.now(),
    random,
    secret: (name) => (Object.hasOwn(secrets, name) ? secrets[name] : undefined),
    variable: (name) => (Object.hasOwn(variables, name) ? variables[name] : undefined),
    sqlite: (name) => {
      if (!/^[a-z0-9-]+$/.test(name)) {
        throw new TypeError(`A database name is lower-case letters, digits and dashes, not "${name}"`);
      }
      if (dataDirectory === undefined) return openSqlite(":memory:");
      mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
      return openSqlite(join(dataDirectory, `${owner}-${name}.sqlite`));
    },
  };
}
