import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { extname, join, resolve } from "node:path";
import { loadModule } from "../../runtime/module-loader.ts";
import type { ModuleGeneration } from "../../runtime/module-loader.ts";
import type { AnyPlugin } from "../api/define-plugin.ts";
import type { PluginLogger } from "../api/host.ts";
import { checkPlugin } from "./check-plugin.ts";

export interface PluginFiles {
  /** Folder whose modules are all loaded; undefined for none. */
  readonly directory?: string | undefined;
  readonly load: readonly { readonly path: string; readonly sha256?: string | undefined }[];
}

export interface LoadedPlugins {
  readonly plugins: readonly AnyPlugin[];
  /** Ends the modules; called when no request uses them any more. */
  dispose(): void;
}

const moduleExtensions = new Set([".ts", ".js", ".mjs"]);

/**
 * Loads plugin modules from disk.
 *
 * Plugins are trusted code, so the operator's hand is made sure of: a file that others may write is refused, and so is one
 * whose hash is not the pinned one.
 *
 * @param base the folder that relative paths start from.
 * @throws {Error} naming the file, when one of them cannot be used: a gateway must not start with half of its plugins.
 */
export async function loadPlugins(
  files: PluginFiles,
  base: string,
  logger: PluginLogger,
): Promise<LoadedPlugins> {
  const generations: ModuleGeneration[] = [];
  const dispose = () => generations.splice(0).reverse().forEach((generation) => generation.dispose());
  try {
    const plugins: AnyPlugin[] = [];
    for (const { path, sha256 } of listFiles(files, base)) {
      checkFile(path, sha256);
      const generation = await load(path, logger);
      generations.push(generation);
      plugins.push({
        ...within(generation, checkPlugin(generation.exports.default, path)),
        revision: createHash("sha256").update(readFileSync(path)).digest("hex"),
      });
    }
    return { plugins, dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}

async function load(path: string, logger: PluginLogger): Promise<ModuleGeneration> {
  try {
    return await loadModule(path, (error) => {
      logger.error("a plugin threw outside of any call", { path, error: String(error) });
    });
  } catch (error) {
    const errors = error instanceof AggregateError && error.errors.length > 0 ? error.errors : [error];
    throw new Error(errors.map((one: unknown) => describeLoadError(path, one)).join("; "), { cause: error });
  }
}

/** A build error of the runtime knows its place in the file. */
function describeLoadError(path: string, error: unknown): string {
  const { position, message } = error as {
    readonly position?: { readonly line: number; readonly column: number } | null;
    readonly message?: string;
  };
  const place = position ? `${path}:${position.line}:${position.column}` : path;
  return `${place}: ${message ?? String(error)}`;
}

function listFiles(files: PluginFiles, base: string): { path: string; sha256?: string | undefined }[] {
  const listed = files.load.map((entry) => ({ ...entry, path: resolve(base, entry.path) }));
  if (files.directory === undefined) return listed;
  const directory = resolve(base, files.directory);
  refuseForeignWriters(directory, "The plugin folder");
  const found = readdirSync(directory).filter((name) =>
    moduleExtensions.has(extname(name)) && !name.includes(".test.")
  );
  const known = new Set(listed.map((entry) => entry.path));
  const others = found.sort().map((name) => ({ path: join(directory, name) })).filter(({ path }) =>
    !known.has(path)
  );
  return [...listed, ...others];
}

function checkFile(path: string, sha256: string | undefined): void {
  refuseForeignWriters(path, "The plugin");
  if (sha256 === undefined) return;
  const actual = createHash("sha256").update(readFileSync(path)).digest("hex");
  if (actual !== sha256) {
    throw new Error(
      `The plugin ${path} has changed: its SHA-256 is ${actual}, the configuration pins ${sha256}.`,
    );
  }
}

function refuseForeignWriters(path: string, what: string): void {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw new Error(`${what} ${path} does not exist.`);
  if (process.platform !== "win32" && (stat.mode & 0o002) !== 0) {
    throw new Error(
      `${what} ${path} can be written by everybody. Plugins are trusted code: run chmod o-w on it.`,
    );
  }
}

/** The same plugin, created inside its generation, so that its stray errors do not end the process. */
function within(generation: ModuleGeneration, plugin: AnyPlugin): AnyPlugin {
  const create = plugin.create as (options: unknown, host: never) => never;
  return {
    ...plugin,
    create: (options: unknown, host: never) => generation.run(() => create(options, host)),
  } as AnyPlugin;
}
