import { createHash } from "node:crypto";
import type { Environment } from "../config/environment.ts";
import type { LoadedSettings } from "../config/load-settings.ts";
import { exporterSecrets } from "../config/secrets.ts";
import { ConfigError, type SettingPath } from "../lib/config-error.ts";
import type { PluginDefinition } from "../plugin/api/define-plugin.ts";
import type { Exporter } from "../plugin/api/exporter.ts";
import type { PluginRegistry } from "../plugin/host/plugin-registry.ts";
import { discoverEnvironment } from "../registry/discovery.ts";
import { eventTypeSchema } from "../schema/telemetry-event.ts";
import { exporterSchema, type ExporterSettings } from "../schema/telemetry-settings.ts";
import { ExporterWorker } from "../telemetry/exporter-worker.ts";
import type { RunningExporter, Telemetry } from "../telemetry/telemetry.ts";
import type { SharedServices } from "./shared-services.ts";

/** An exporter as it is to be created. */
export interface PlannedExporter {
  readonly settings: ExporterSettings;
  readonly plugin: PluginDefinition<"exporter">;
  readonly options: Readonly<Record<string, unknown>>;
  readonly secrets: Readonly<Record<string, string>>;
  /** Its place in the configuration, for complaints. */
  readonly path: SettingPath;
  /** The environment asks for it, and not the configuration. */
  readonly isFound: boolean;
}

export interface KnownExporter extends RunningExporter {
  readonly plugin: PluginDefinition<"exporter">;
}

export interface ExporterWorld {
  readonly shared: SharedServices;
  readonly telemetry: Telemetry;
  /** The exporters of the generation before: one of which nothing has changed goes on with what waits in it. */
  readonly known: ReadonlyMap<string, KnownExporter>;
  make(planned: PlannedExporter): Promise<Exporter>;
}

/**
 * The exporters that there are to be: the configured ones, the one that answers `/metrics`, and those that the environment asks for.
 *
 * @throws {ConfigError} for an unknown kind or a secret that cannot be had.
 */
export async function planExporters(
  loaded: LoadedSettings,
  plugins: PluginRegistry,
  environment: Environment,
): Promise<readonly PlannedExporter[]> {
  const { exporters, metrics, environment: asksEnvironment } = loaded.settings.telemetry;
  const planned: PlannedExporter[] = [];
  for (const [index, settings] of exporters.entries()) {
    const path = ["telemetry", "exporters", index];
    const plugin = await find(plugins, settings.kind, loaded, [...path, "kind"]);
    await checkSecretNames(plugin, settings, loaded, path);
    planned.push({
      settings,
      plugin,
      options: pluginOptions(settings),
      secrets: exporterSecrets(settings, { environment, directory: loaded.directory }),
      path,
      isFound: false,
    });
  }
  const isPlanned = (kind: string) => planned.some(({ settings }) => settings.kind === kind);
  const add = (
    plugin: PluginDefinition<"exporter">,
    rest: Omit<PlannedExporter, "plugin" | "settings">,
  ) => void planned.push({ settings: exporterSchema.parse({ kind: plugin.name }), plugin, ...rest });
  if (metrics.exporter !== "none" && !isPlanned(metrics.exporter)) {
    const path = ["telemetry", "metrics", "exporter"];
    add(await find(plugins, metrics.exporter, loaded, path), {
      options: {},
      secrets: {},
      path,
      isFound: false,
    });
  }
  const isOff = /^true$/i.test(environment.OTEL_SDK_DISABLED ?? "");
  const found = asksEnvironment && !isOff ? discoverEnvironment(plugins.all("exporter"), environment) : [];
  for (const { plugin, options, secrets } of found) {
    if (!isPlanned(plugin.name)) {
      add(plugin, { options, secrets, path: ["telemetry", "environment"], isFound: true });
    }
  }
  return planned;
}

/** Creates what is planned and not running already, by a key that changes with everything that it is made of. */
export async function createExporters(
  planned: readonly PlannedExporter[],
  world: ExporterWorld,
): Promise<ReadonlyMap<string, KnownExporter>> {
  const { shared: { clock, random, logger }, telemetry, known } = world;
  const created = new Map<string, KnownExporter>();
  try {
    for (const entry of planned) {
      const { settings, plugin } = entry;
      const key = keyOf(entry, created);
      const running = known.get(key);
      if (running?.plugin === plugin) {
        created.set(key, running);
        continue;
      }
      const worker = new ExporterWorker({
        name: settings.name ?? settings.kind,
        exporter: await world.make(entry),
        events: new Set(settings.events ?? eventTypeSchema.options),
        maxQueue: settings.max_queue,
        maxBatch: settings.max_batch,
        intervalMs: settings.interval_ms,
        timeoutMs: settings.timeout_ms,
        metricsIntervalMs: settings.metrics_interval_ms,
        clock,
        random,
        providerKinds: () => telemetry.providerKinds,
        metrics: () => telemetry.metrics.collect(),
        onError: (exporter, error, lost) =>
          logger.warn("telemetry could not be exported", { exporter, error, lost }),
      });
      created.set(key, { plugin, worker, traces: plugin.traces === true });
    }
    return created;
  } catch (error) {
    await closeUnused(created, telemetry, 0);
    throw error;
  }
}

/** A hash keeps the secrets out of it; the number is for one that is there twice. */
function keyOf({ settings, options, secrets }: PlannedExporter, taken: ReadonlyMap<string, unknown>): string {
  const content = JSON.stringify([settings, options, secrets]);
  const hash = createHash("sha256").update(content).digest("hex");
  for (let number = 1;; number++) {
    if (!taken.has(`${hash} ${number}`)) return `${hash} ${number}`;
  }
}

/** Closes those that the bus does not feed (any more), after they have sent what waits. */
export async function closeUnused(
  exporters: ReadonlyMap<string, KnownExporter>,
  { bus }: Telemetry,
  boundMs: number,
): Promise<void> {
  await Promise.all(
    [...exporters.values()].filter(({ worker }) => !bus.workers.includes(worker))
      .map(({ worker }) => worker.close(boundMs)),
  );
}

/** What one exporter is given of the host. */
export function exporterOwner({ settings }: PlannedExporter): string {
  return `exporter-${settings.name ?? settings.kind}`.toLowerCase().replaceAll(/[^a-z0-9-]/g, "-");
}

function pluginOptions(settings: ExporterSettings): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(settings).filter(([key]) => !Object.hasOwn(exporterSchema.shape, key)),
  );
}

async function find(plugins: PluginRegistry, name: string, loaded: LoadedSettings, path: SettingPath) {
  try {
    return plugins.find("exporter", name);
  } catch (error) {
    throw new ConfigError([{ path, position: await loaded.locate(path), message: (error as Error).message }]);
  }
}

async function checkSecretNames(
  plugin: PluginDefinition<"exporter">,
  settings: ExporterSettings,
  loaded: LoadedSettings,
  path: SettingPath,
): Promise<void> {
  const taken = plugin.secrets ?? [];
  const unknown = Object.keys(settings.secrets ?? {}).find((name) => !taken.includes(name));
  if (unknown === undefined) return;
  const place = [...path, "secrets", unknown];
  throw new ConfigError([{
    path: place,
    position: await loaded.locate(place),
    message: `the kind "${plugin.name}" has no secret "${unknown}"; it takes ${taken.join(", ") || "none"}`,
  }]);
}
