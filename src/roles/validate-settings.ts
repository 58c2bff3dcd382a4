import type { Environment } from "../config/environment.ts";
import type { LoadedSettings } from "../config/load-settings.ts";
import type { AnyPlugin } from "../plugin/api/define-plugin.ts";
import type { Composition } from "./compose.ts";
import { composeOffline } from "./compose-offline.ts";

export interface ValidationReport {
  readonly providers: readonly string[];
  readonly models: readonly string[];
  readonly routes: readonly string[];
  readonly warnings: readonly string[];
}

/** Models that serve what a budget cannot pay, and that nobody knows. */
function unknownDowngrades(
  { settings: { auth, routes } }: LoadedSettings,
  { registry }: Pick<Composition, "registry">,
): string[] {
  const names = new Set(routes.map(({ name }) => name));
  const accounts = {
    "auth.keys": auth.keys,
    "auth.teams": auth.teams,
    "auth.organisations": auth.organisations,
    "auth.issuers": auth.issuers,
  };
  return Object.entries(accounts).flatMap(([place, list]) =>
    list.flatMap(({ budget }, index) => {
      const [action, model] = budget?.on_exhaust.split(/:(.*)/s) ?? [];
      if (action !== "downgrade" || names.has(model!) || registry.find(model!) !== undefined) return [];
      return [
        `${place}[${index}].budget.on_exhaust: there is no model "${model}"; what the budget cannot pay will be refused`,
      ];
    })
  );
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
    warnings: [...composition.warnings, ...unknownDowngrades(loaded, composition)],
  };
}
