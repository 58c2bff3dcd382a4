import { createHash } from "node:crypto";
import type { CompiledChain } from "../chain/compiled-step.ts";
import type { Environment } from "../config/environment.ts";
import type { LoadedSettings } from "../config/load-settings.ts";
import type { Generation } from "../gateway/gateway-services.ts";
import { replayReasoning } from "../gateway/reasoning/replay-reasoning.ts";
import { ConfigError, type SettingPath } from "../lib/config-error.ts";
import type { AnyPlugin, PluginDefinition, PluginInstance, PluginKind } from "../plugin/api/define-plugin.ts";
import type { PluginHost } from "../plugin/api/host.ts";
import type { Provider } from "../plugin/api/provider.ts";
import type { Strategy } from "../plugin/api/strategy.ts";
import { createInstance, parseOptions } from "../plugin/host/create-instance.ts";
import { loadPlugins } from "../plugin/host/load-plugins.ts";
import { createPluginHost } from "../plugin/host/plugin-host.ts";
import { PluginRegistry } from "../plugin/host/plugin-registry.ts";
import type { DiscoveredProvider } from "../registry/discovery.ts";
import { ModelRegistry } from "../registry/model-registry.ts";
import type { CompiledRoute } from "../router/resolve.ts";
import { Router } from "../router/router.ts";
import {
  closeUnused,
  createExporters,
  exporterOwner,
  type KnownExporter,
  planExporters,
  type PlannedExporter,
} from "./create-exporters.ts";
import type { Disposable } from "./generations.ts";
import { type PlannedProvider, planProviders } from "./plan-providers.ts";
import { chainFacts, chainModels, composeChains } from "./compose-chains.ts";
import { composeGuardrails } from "./compose-guardrails.ts";
import { composePersonas } from "./compose-personas.ts";
import { composeStages } from "./compose-stages.ts";
import { located } from "./located.ts";
import type { SharedServices } from "./shared-services.ts";

export interface ComposeOptions {
  readonly loaded: LoadedSettings;
  readonly builtins: readonly AnyPlugin[];
  readonly environment: Environment;
  /** What was found on this machine's loopback ports so far. */
  readonly local: readonly DiscoveredProvider[];
  readonly shared: SharedServices;
  /** The strategies of the generation before: one whose route, options and plugin are the same goes on with what it has learnt. */
  readonly strategies?: ReadonlyMap<string, KnownStrategy>;
  /** The exporters of the generation before. */
  readonly exporters?: ReadonlyMap<string, KnownExporter>;
}

interface KnownStrategy {
  readonly plugin: PluginDefinition<"strategy">;
  readonly strategy: Strategy;
}

/** One generation of the configuration, ready to serve. */
export interface Composition extends Generation, Disposable {
  readonly loaded: LoadedSettings;
  readonly plugins: PluginRegistry;
  readonly chains: ReadonlyMap<string, CompiledChain>;
  readonly planned: readonly PlannedProvider[];
  readonly registry: ModelRegistry;
  /** By a key that changes with the provider's configuration; those that list their models themselves. */
  readonly listing: ReadonlyMap<string, Provider>;
  readonly strategies: ReadonlyMap<string, KnownStrategy>;
  readonly exporters: ReadonlyMap<string, KnownExporter>;
  readonly warnings: readonly string[];
}

/**
 * Builds everything that a configuration describes. The only place that does.
 *
 * @throws {ConfigError} with the place in the file, for a plugin, an option, a condition or a key that is wrong.
 */
export async function compose(options: ComposeOptions): Promise<Composition> {
  const { loaded, builtins, environment, local, shared } = options;
  const { settings } = loaded;
  const created: { close?(): void | Promise<void> }[] = [];
  const disposers: (() => void)[] = [];
  let exporters: ReadonlyMap<string, KnownExporter> = new Map();
  const dispose = async () => {
    const { telemetry } = shared;
    if (telemetry !== undefined) await closeUnused(exporters, telemetry, settings.telemetry.flush_ms);
    for (const instance of created.reverse()) await instance.close?.();
    disposers.forEach((end) => end());
  };
  try {
    const fromDisk = await loadFromDisk(loaded, shared);
    disposers.push(() => fromDisk.dispose());
    const plugins = new PluginRegistry([...builtins, ...fromDisk.plugins]);
    const { providers: planned, warnings } = await planProviders(loaded, plugins, environment, local);

    const make = async <Kind extends PluginKind>(
      plugin: PluginDefinition<Kind>,
      pluginOptions: Readonly<Record<string, unknown>>,
      host: PluginHost,
      path: SettingPath,
    ): Promise<PluginInstance[Kind]> => {
      try {
        const instance = await createInstance(plugin, pluginOptions, host);
        created.push(instance);
        return instance;
      } catch (error) {
        throw await located(error, loaded, path);
      }
    };

    const providers = new Map<string, Provider>();
    for (const entry of planned) {
      const logger = shared.logger.with({ provider: entry.name });
      const host = createPluginHost(
        { ...shared, downloads: settings.downloads, logger },
        `provider-${entry.name}`,
        entry.secrets,
        variablesOf(entry.plugin, environment),
      );
      const provider = await make(entry.plugin, entry.options, host, ["providers", entry.index ?? 0]);
      providers.set(
        entry.name,
        shared.reasoning === undefined ? provider : replayReasoning(entry.name, provider, shared.reasoning),
      );
    }
    const listing = new Map(
      planned.filter(({ listModels }) => listModels).map((
        entry,
      ) => [providerKey(entry), providers.get(entry.name)!]),
    );
    const chains = await composeChains(loaded, async (kind, chainOptions, path) => {
      const plugin = await find(plugins, "chain", kind, loaded, [...path, "kind"]);
      const logger = shared.logger.with({ chain: path.at(-1) });
      const host = createPluginHost(
        { ...shared, downloads: settings.downloads, logger },
        `chain-${path.at(-1)}`,
      );
      const chain = await make(plugin, chainOptions, host, [...path, "options"]);
      return { chain, revision: plugin.revision };
    });
    const personas = await composePersonas(loaded);
    const guardrails = await composeGuardrails(loaded, async (kind, ruleOptions, path) => {
      const plugin = await find(plugins, "guardrail", kind, loaded, [...path, "kind"]);
      const logger = shared.logger.with({ guardrail: kind });
      const host = createPluginHost(
        { ...shared, downloads: settings.downloads, logger },
        `guardrail-${path.at(-1)}`,
      );
      return await make(plugin, ruleOptions, host, [...path, "options"]);
    });
    const registry = new ModelRegistry({
      providers: [
        ...planned.map((entry) => ({
          name: entry.name,
          provider: providers.get(entry.name)!,
          priceId: entry.plugin.priceId,
          configuredModels: entry.models,
          bareNames: entry.origin === "built-in",
          listed: () => shared.lists.get(providerKey(entry)),
        })),
        ...chainModels(chains),
      ],
      models: [...settings.models, ...chainFacts(chains)],
      prices: shared.prices,
    });

    const routes: CompiledRoute[] = [];
    const strategies = new Map<string, KnownStrategy>();
    for (const [index, route] of settings.routes.entries()) {
      const path = ["routes", index];
      const plugin = await find(plugins, "strategy", route.strategy, loaded, [...path, "strategy"]);
      const host = createPluginHost(
        { ...shared, downloads: settings.downloads, logger: shared.logger.with({ route: route.name }) },
        `strategy-${route.strategy}`,
      );
      const key = JSON.stringify([route.name, route.when, route.strategy, route.strategy_options]);
      const known = strategies.has(key) ? undefined : options.strategies?.get(key);
      // One that must be closed goes with its own generation.
      const strategy = known?.plugin === plugin && known.strategy.close === undefined
        ? known.strategy
        : await make(plugin, route.strategy_options, host, [...path, "strategy_options"]);
      strategies.set(key, { plugin, strategy });
      routes.push({
        settings: route,
        condition: await condition(route.when, loaded, [...path, "when"]),
        strategy,
      });
    }
    exporters = await exportersOf(options, plugins);
    const directStrategy: Strategy = { rank: (targets) => targets.map(({ id }) => ({ id })) };
    const router = new Router({
      ...shared,
      routes,
      routing: settings.routing,
      personas: new Map(
        [...personas.keys()].map((name) => [name, { model: settings.personas[name]!.model }]),
      ),
      catalog: registry,
      directStrategy,
    });

    return {
      stages: composeStages(loaded, personas, guardrails, shared),
      cleansesAnswers: settings.hidden_text.output,
      ownProviders: shared.ownProviders?.(chains) ?? new Map(),
      chains,
      loaded,
      plugins,
      planned,
      registry,
      listing,
      strategies,
      exporters,
      warnings: [...loaded.warnings, ...warnings],
      router,
      providers,
      echoRequestedModel: settings.server.response_model === "requested",
      heartbeatMs: settings.server.heartbeat_ms,
      policyHash: policyHash(loaded),
      dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function exportersOf(
  { loaded, environment, shared, exporters: known = new Map() }: ComposeOptions,
  plugins: PluginRegistry,
): Promise<ReadonlyMap<string, KnownExporter>> {
  const planned: PlannedExporter[] = [];
  for (const entry of await planExporters(loaded, plugins, environment)) {
    const { plugin, options, path, isFound } = entry;
    try {
      parseOptions(plugin, options);
      planned.push(entry);
    } catch (error) {
      if (!isFound) throw await located(error, loaded, path);
      // Variables for every program of a machine must not keep this one from starting.
      shared.logger.warn("the environment asks for an exporter that cannot be made", { error });
    }
  }
  const { telemetry } = shared;
  if (telemetry === undefined) return new Map();
  return await createExporters(planned, {
    shared,
    telemetry,
    known,
    async make(entry) {
      const { plugin, options, secrets, path } = entry;
      const logger = shared.logger.with({ exporter: plugin.name });
      const environment = { ...shared, downloads: loaded.settings.downloads, logger };
      try {
        return await createInstance(
          plugin,
          options,
          createPluginHost(environment, exporterOwner(entry), secrets),
        );
      } catch (error) {
        throw await located(error, loaded, path);
      }
    },
  });
}

async function loadFromDisk({ settings, directory, locate }: LoadedSettings, { logger }: SharedServices) {
  const { plugins } = settings;
  if (plugins.directory === undefined && plugins.load.length === 0) return { plugins: [], dispose: () => {} };
  const { offerModules } = await import("./offer-modules.ts");
  offerModules();
  try {
    return await loadPlugins(plugins, directory, logger);
  } catch (error) {
    const path = plugins.directory === undefined ? ["plugins", "load"] : ["plugins", "directory"];
    throw new ConfigError([{
      path,
      position: await locate(path),
      message: `a plugin cannot be loaded: ${error instanceof Error ? error.message : error}`,
    }]);
  }
}

/** What the plugin may know of the environment: only what it names. */
function variablesOf({ variables = [] }: PluginDefinition<"provider">, environment: Environment) {
  return Object.fromEntries(variables.flatMap((name) => {
    const value = environment[name]?.trim();
    return value ? [[name, value]] : [];
  }));
}

async function find<Kind extends PluginKind>(
  plugins: PluginRegistry,
  kind: Kind,
  name: string,
  loaded: LoadedSettings,
  path: SettingPath,
): Promise<PluginDefinition<Kind>> {
  try {
    return plugins.find(kind, name);
  } catch (error) {
    throw await located(error, loaded, path);
  }
}

async function condition(source: string | undefined, loaded: LoadedSettings, path: SettingPath) {
  if (source === undefined) return undefined;
  // The expression language and its pattern engine take megabytes; without conditions they stay away.
  const { compileCondition } = await import("../router/condition.ts");
  try {
    return compileCondition(source);
  } catch (error) {
    throw await located(error, loaded, path);
  }
}

/** What a provider is made of. Equal keys are the same backend with the same credential; a hash keeps the secrets out of it. */
export function providerKey({ name, options, plugin, secrets }: PlannedProvider): string {
  const content = JSON.stringify([plugin.name, options, secrets]);
  return `${name}\n${createHash("sha256").update(content).digest("hex")}`;
}

function policyHash({ settings }: LoadedSettings): string {
  const { routes, models, routing } = settings;
  return createHash("sha256").update(JSON.stringify({ routes, models, routing })).digest("hex").slice(0, 12);
}
