import { accessSync, constants, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { ConfigError } from "../lib/config-error.ts";
import type { Environment } from "./environment.ts";

export interface DataDirectory {
  /** Undefined: there is no writable one and everything is kept in memory. */
  readonly path: string | undefined;
  readonly warning?: string;
}

/**
 * The folder for the gateway's own state, made if need be: `--data-dir`, `INTELLIROUTER_DATA_DIR`, systemd's
 * `$STATE_DIRECTORY`, `$XDG_STATE_HOME/intellirouter`, `~/.local/state/intellirouter`.
 *
 * @throws {ConfigError} when a folder that was asked for cannot be written. A default one that cannot is only warned of, so that the
 * gateway runs on a read-only system.
 */
export function openDataDirectory(
  flag: string | undefined,
  environment: Environment,
  cwd: string,
): DataDirectory {
  const asked = flag ?? environment.INTELLIROUTER_DATA_DIR;
  if (asked) {
    const path = resolve(cwd, asked);
    const failure = make(path);
    if (failure === undefined) return { path };
    throw new ConfigError([{ message: `the data directory ${path} cannot be written: ${failure}` }]);
  }
  const path = defaultPath(environment);
  const failure = path === undefined ? "neither XDG_STATE_HOME nor HOME is set" : make(path);
  if (failure === undefined) return { path };
  return {
    path: undefined,
    warning:
      `there is no writable data directory (${
        path ?? "none"
      }: ${failure}); keys and decision records are kept in memory and ` +
      "are gone when the gateway stops. Name one with --data-dir.",
  };
}

function defaultPath(environment: Environment): string | undefined {
  const state = environment.STATE_DIRECTORY?.split(":", 1)[0];
  if (state) return state;
  // A relative path is to be ignored (XDG Base Directory Specification, "Environment variables").
  if (environment.XDG_STATE_HOME?.startsWith("/")) return join(environment.XDG_STATE_HOME, "intellirouter");
  return environment.HOME ? join(environment.HOME, ".local/state/intellirouter") : undefined;
}

/** The reason why a folder cannot be used, or undefined. */
function make(path: string): string | undefined {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    accessSync(path, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
