import type { Command } from "commander";
import { type LoadedSettings, type LoadOptions, loadSettings } from "../config/load-settings.ts";
import type { CommandContext } from "./command-context.ts";

/** Options of every command. */
export interface GlobalOptions {
  readonly config?: string;
  readonly dataDir?: string;
  readonly json?: boolean;
  readonly color?: boolean;
}

export function withGlobalOptions(command: Command): Command {
  return command
    .option(
      "-c, --config <file>",
      "configuration file (default: ./config/config.toml, then /etc/intellirouter/config.toml)",
    )
    .option("--data-dir <folder>", "folder for the gateway's own state")
    .option("--no-color", "no colours; the variable NO_COLOR does the same");
}

export function withJson(command: Command): Command {
  return command.option("--json", "print JSON");
}

/** @throws {ConfigError} */
export function load(
  context: CommandContext,
  options: GlobalOptions,
  flags: LoadOptions["flags"] = [],
): Promise<LoadedSettings> {
  return loadSettings({
    configPath: options.config,
    flags,
    environment: context.environment,
    cwd: context.cwd,
  });
}
