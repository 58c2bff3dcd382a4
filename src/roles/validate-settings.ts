import type { Environment } from "../config/environment.ts";
import type { LoadedSettings } from "../config/load-settings.ts";
import type { AnyPlugin } from "../plugin/api/define-plugin.ts";
import { composeOffline } from "./compose-offline.ts";

export interface ValidationReport {
  readonly providers: readonly string[];
  readonly models: readonly string[];
  readonly routes: readonly string[];
  readonly warnings: readonly string[];
}

/** Builds everything that the settings describe, and throws it away. @throws {ConfigError} */
export async function validateSettings(
  loaded: LoadedSettings,
  builtins: readonly AnyPlugin[],
  environment: Environment,
): Promise<ValidationReport> {
  const composition = await composeOffline(loaded, builtins, environment);
  await composition.dispose();
  return {
    providers: composition.planned.map(({ name }) => name),
    models: loaded.settings.models.filter(({ target }) => target !== undefined).map(({ id }) => id),
    routes: loaded.settings.routes.map(({ name }) => name),
    warnings: composition.warnings,
  };
}
