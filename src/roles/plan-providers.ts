import type { Environment } from "../config/environment.ts";
import type { LoadedSettings } from "../config/load-settings.ts";
import { providerSecrets } from "../config/secrets.ts";
import { ConfigError } from "../lib/config-error.ts";
import type { PluginDefinition } from "../plugin/api/define-plugin.ts";
import type { PluginRegistry } from "../plugin/host/plugin-registry.ts";
import { discoverBuiltIn, type DiscoveredProvider, discoverEnvironment } from "../registry/discovery.ts";
import { providerSchema, type ProviderSettings } from "../schema/settings.ts";

/** A provider that is to be created, wherever it comes from. */
export interface PlannedProvider {
  readonly name: string;
  readonly plugin: PluginDefinition<"provider">;
  readonly options: Readonly<Record<string, unknown>>;
  readonly secrets: Readonly<Record<string, string>>;
  readonly origin: DiscoveredProvider["origin"] | "configuration";
  readonly found: string;
  /** Its place in the configuration, for complaints. */
  readonly index: number | undefined;
  readonly models: readonly string[] | undefined;
  readonly listModels: boolean;
}

/**
 * Which providers there are to be: the configured ones, and what is found where the configuration lets it be looked for.
 *
 * @param local what was found on this machine's loopback ports so far.
 * @throws {ConfigError} for an unknown kind or a key that cannot be read.
 */
export async function planProviders(
  loaded: LoadedSettings,
  registry: PluginRegistry,
  environment: Environment,
  local: readonly DiscoveredProvider[],
): Promise<{ readonly providers: readonly PlannedProvider[]; readonly warnings: readonly string[] }> {
  const warnings: string[] = [];
  const { settings } = loaded;
  const configured = await Promise.all(
    settings.providers.map(async (entry, index): Promise<PlannedProvider> => {
      const plugin = await findPlugin(registry, entry, index, loaded);
      await checkSecretNames(plugin, entry, index, loaded);
      const { secrets, warnings: missing } = providerSecrets(entry, {
        environment,
        directory: loaded.directory,
      });
      warnings.push(...missing);
      return {
        name: entry.name,
        plugin,
        options: pluginOptions(entry),
        secrets,
        origin: "configuration",
        found: loaded.file ?? "configuration",
        index,
        models: entry.models,
        listModels: entry.list_models && entry.models === undefined,
      };
    }),
  );
  const taken = new Set(configured.map(({ name }) => name));
  const discovered = [...discover(loaded, registry, environment), ...(looksForLocal(loaded) ? local : [])]
    .filter(({ name }) => !taken.has(name))
    .map((provider): PlannedProvider => ({
      ...provider,
      index: undefined,
      models: undefined,
      listModels: true,
    }));
  return { providers: [...configured, ...discovered], warnings };
}

/** Whether model servers on this machine are looked for. */
export function looksForLocal({ settings }: LoadedSettings): boolean {
  return isOn(settings.discovery.local, settings.providers.length === 0);
}

function discover(
  { settings, file }: LoadedSettings,
  registry: PluginRegistry,
  environment: Environment,
): DiscoveredProvider[] {
  const plugins = registry.all("provider");
  const nothingConfigured = settings.providers.length === 0;
  const byKey = isOn(settings.discovery.environment, nothingConfigured)
    ? discoverEnvironment(plugins, environment)
    : [];
  // Somebody who wrote a file and gave a key means it; a model that makes things up would only be in the way.
  const mock = isOn(settings.discovery.mock, nothingConfigured && (file === undefined || byKey.length === 0));
  return [...(mock ? discoverBuiltIn(plugins) : []), ...byKey];
}

function isOn(setting: "auto" | "on" | "off", automatic: boolean): boolean {
  return setting === "auto" ? automatic : setting === "on";
}

async function findPlugin(
  registry: PluginRegistry,
  entry: ProviderSettings,
  index: number,
  loaded: LoadedSettings,
) {
  try {
    return registry.find("provider", entry.kind);
  } catch (error) {
    const path = ["providers", index, "kind"];
    throw new ConfigError([{ path, position: await loaded.locate(path), message: (error as Error).message }]);
  }
}

async function checkSecretNames(
  plugin: PluginDefinition<"provider">,
  entry: ProviderSettings,
  index: number,
  loaded: LoadedSettings,
): Promise<void> {
  const known = plugin.secrets ?? ["api_key"];
  const named = entry.secrets ?? {};
  const given = [...Object.keys(named), ...(hasApiKey(entry) ? ["api_key"] : [])];
  const unknown = given.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const path = Object.hasOwn(named, unknown)
    ? ["providers", index, "secrets", unknown]
    : ["providers", index, "kind"];
  throw new ConfigError([{
    path,
    position: await loaded.locate(path),
    message: `the kind "${plugin.name}" has no secret "${unknown}"; it takes ${known.join(", ") || "none"}`,
  }]);
}

function hasApiKey(entry: ProviderSettings): boolean {
  return (entry.api_key ?? entry.api_key_env ?? entry.api_key_file) !== undefined;
}

function pluginOptions(entry: ProviderSettings): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(entry).filter(([key]) => !Object.hasOwn(providerSchema.shape, key)),
  );
}
