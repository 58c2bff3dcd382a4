import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parse as parseToml, TomlError } from "smol-toml";
import { ConfigError, type ConfigProblem, type Position, type SettingPath } from "../lib/config-error.ts";
import { type Settings, settingsSchema } from "../schema/settings.ts";
import { crossCheck } from "./cross-checks.ts";
import type { Environment } from "./environment.ts";
import { overlaySource, readOverlay } from "./environment-overlay.ts";
import { explainIssue } from "./explain-issue.ts";
import { locateToml } from "./locate-toml.ts";
import { keysAt } from "./schema-walk.ts";

export interface LoadOptions {
  /** The file named by `--config`; it must exist. */
  readonly configPath?: string | undefined;
  /** Settings from command line flags; they win over everything. */
  readonly flags?: readonly { readonly path: readonly string[]; readonly value: unknown }[] | undefined;
  readonly environment: Environment;
  /** Where relative paths start. */
  readonly cwd: string;
}

export interface LoadedSettings {
  readonly settings: Settings;
  /** The file that was read; undefined when there is none. */
  readonly file: string | undefined;
  /** The folder that paths inside the file start from. */
  readonly directory: string;
  /** Things that work but are probably not meant. */
  readonly warnings: readonly string[];
  /** Where a setting stands, for complaints about it that come later. */
  locate(path: SettingPath): Promise<Position | undefined>;
}

/** Read in this order when no file is named; the first that exists. */
export const defaultFiles = ["./config/config.toml", "/etc/intellirouter/config.toml"] as const;

/**
 * Reads the settings: flag > environment > file > default.
 *
 * @throws {ConfigError} with everything that is wrong, in the order of the file.
 */
export async function loadSettings(options: LoadOptions): Promise<LoadedSettings> {
  const file = findFile(options);
  const text = file === undefined ? "" : readFile(file);
  const locate = async (path: SettingPath): Promise<Position | undefined> =>
    file === undefined ? undefined : await locateToml(text, file, path);
  const raw = parse(text, file);
  const overlay = readOverlay(options.environment);
  for (const { path, value } of [...overlay.values, ...(options.flags ?? [])]) put(raw, path, value);

  const place = async (problem: ConfigProblem): Promise<ConfigProblem> => {
    const variable = problem.path === undefined ? undefined : overlaySource(overlay, problem.path);
    if (variable !== undefined) {
      return { ...problem, message: `${problem.message} (from the environment variable ${variable})` };
    }
    return problem.path === undefined ? problem : { ...problem, position: await locate(problem.path) };
  };
  const result = settingsSchema.safeParse(raw);
  if (!result.success) {
    const problems = result.error.issues.flatMap((issue) => explainIssue(issue, raw, keysAt));
    throw new ConfigError(inOrder([...overlay.problems, ...await Promise.all(problems.map(place))]));
  }
  const checked = crossCheck(result.data);
  const problems = [...overlay.problems, ...await Promise.all(checked.problems.map(place))];
  if (problems.length > 0) throw new ConfigError(inOrder(problems));
  return {
    settings: result.data,
    file,
    directory: file === undefined ? options.cwd : resolve(file, ".."),
    warnings: checked.warnings,
    locate,
  };
}

function findFile({ configPath, environment, cwd }: LoadOptions): string | undefined {
  const named = configPath ?? environment.INTELLIROUTER_CONFIG;
  if (named !== undefined && named !== "") {
    const path = resolve(cwd, named);
    if (!existsSync(path)) {
      throw new ConfigError([{ message: `the configuration file ${path} does not exist.` }]);
    }
    return path;
  }
  return defaultFiles.map((path) => resolve(cwd, path)).find((path) => existsSync(path));
}

function readFile(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError([{ message: `the configuration file ${file} cannot be read: ${reason}` }]);
  }
}

function parse(text: string, file: string | undefined): Record<string, unknown> {
  try {
    return parseToml(text) as Record<string, unknown>;
  } catch (error) {
    if (!(error instanceof TomlError) || file === undefined) throw error;
    const message = error.message.replace(/^Invalid TOML document: /, "").split("\n", 1)[0]!;
    throw new ConfigError([{
      message: `not valid TOML: ${message}`,
      position: { file, line: error.line, column: error.column },
    }]);
  }
}

function put(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let table = target;
  for (const key of path.slice(0, -1)) {
    const inner = table[key];
    if (typeof inner === "object" && inner !== null && !Array.isArray(inner)) {
      table = inner as Record<string, unknown>;
    } else table = table[key] = {};
  }
  table[path.at(-1)!] = value;
}

function inOrder(problems: readonly ConfigProblem[]): ConfigProblem[] {
  return problems.toSorted((left, right) =>
    (left.position?.line ?? 0) - (right.position?.line ?? 0) ||
    (left.position?.column ?? 0) - (right.position?.column ?? 0)
  );
}
