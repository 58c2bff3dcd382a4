import type { LimiterOptions } from "../auth/limits/limiter.ts";
import { idOfApiKey } from "../auth/api-key.ts";
import type { Environment } from "../config/environment.ts";
import { openDataDirectory } from "../config/data-directory.ts";
import type { LoadedSettings } from "../config/load-settings.ts";
import { watchSettings } from "../config/watch-settings.ts";
import type { GatewayServices } from "../gateway/gateway-services.ts";
import { MemoryResponseCache } from "../gateway/cache/response-cache.ts";
import { ModelCaller } from "../gateway/internal-call.ts";
import type { GatewayRetrieval } from "../gateway/retrieval/gateway-retrieval.ts";
import { ReasoningMemory } from "../gateway/reasoning/reasoning-memory.ts";
import { ResponseStore } from "../gateway/responses/response-store.ts";
import { createApp } from "../http/app.ts";
import type { Clock } from "../lib/clock.ts";
import { ShutdownCoordinator } from "../lib/shutdown-coordinator.ts";
import type { AnyPlugin } from "../plugin/api/define-plugin.ts";
import type { DiscoveredProvider } from "../registry/discovery.ts";
import { streamBody } from "../runtime/stream-body.ts";
import type { Logger } from "../telemetry/logger.ts";
import { writeAccessLine } from "./access-line.ts";
import { Admission } from "./admission.ts";
import { budgetAlert } from "./budget-alert.ts";
import { compose, type ComposeOptions, type Composition, providerKey } from "./compose.ts";
import { createStore } from "./create-store.ts";
import { decideAccess } from "./decide-access.ts";
import { gatewaySource } from "./gateway-source.ts";
import { Generations } from "./generations.ts";
import { httpSettings } from "./http-settings.ts";
import { listCapabilities } from "./list-capabilities.ts";
import { listModels } from "./list-models.ts";
import { type ListenerPlan, openListeners } from "./open-listeners.ts";
import { openChains } from "./open-chains.ts";
import { createLimiter, gatewayLimits, openAccounts } from "./open-accounts.ts";
import { openDecisionLog } from "./open-decision-log.ts";
import { openRedis } from "./open-redis.ts";
import { loadPrices } from "./load-prices.ts";
import { findLocal, openShared } from "./open-shared.ts";
import { openModules } from "./open-modules.ts";
import { openTelemetry } from "./open-telemetry.ts";
import { openUsageLedger } from "./open-usage-ledger.ts";
import { looksForLocal, type PlannedProvider } from "./plan-providers.ts";
import { stateSettings } from "./state-settings.ts";
import { warnOfRestart } from "./warn-of-restart.ts";

export interface RouterRoleOptions {
  readonly loaded: LoadedSettings;
  /** Reads the configuration again. @throws {ConfigError} */
  readonly reload: () => Promise<LoadedSettings>;
  readonly builtins: readonly AnyPlugin[];
  readonly environment: Environment;
  readonly dataDirectory: string | undefined;
  readonly cwd: string;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: () => number;
  readonly version: string;
  readonly shutdown: ShutdownCoordinator;
}

/** A router that serves. */
export interface RunningRouter {
  readonly host: string;
  readonly port: number;
  /** Made just now; shown this once. */
  /** Keeps the admin key that this start made, if it made one, and gives it: this is the one chance to see it. */
  keepAdminKey(): Promise<string | undefined>;
  readonly keyRequired: boolean;
  /** Resolves when this machine has been searched for model servers. */
  readonly discovered: Promise<void>;
  providers(): readonly PlannedProvider[];
  models(): readonly string[];
  readonly retrieval: GatewayRetrieval;
  /** Takes a changed configuration over; a bad one leaves the old one running and is logged. */
  reload(): Promise<void>;
}

const dayMs = 24 * 60 * 60 * 1000;

/** Starts the router role: the API and the whole request path. */
export async function runRouter(options: RouterRoleOptions): Promise<RunningRouter> {
  const { loaded, environment, logger, clock, shutdown, builtins } = options;
  const data = openDataDirectory(options.dataDirectory, environment, options.cwd);
  if (data.warning !== undefined) logger.warn(data.warning);

  const base = openShared(options, data.path, () => refreshModels());
  const { telemetry, audit, auditLog, ...telemetryParts } = openTelemetry(base, options.version);
  shutdown.register("telemetry", () => telemetryParts.close());
  shutdown.register("model lists", () => base.lists.close());
  const store = await createStore(loaded, builtins, base);
  const onStoreError = (error: unknown) => logger.error("the store failed", { error });
  const chains = openChains(
    base,
    () => generations.current.loaded.settings.chain_runs.retention_days,
    () => gateway,
  );
  shutdown.register("chains", () => chains.close());
  const { ownProviders } = chains;
  const models = (): ModelCaller => new ModelCaller(gateway);
  const reasoning = new ReasoningMemory(store, onStoreError);
  const shared = { ...base, telemetry, ownProviders, models, reasoning };
  shutdown.register("store", () => store.close?.());
  const usage = openUsageLedger(shared, () => generations.current.loaded.settings);
  shutdown.register("usage ledger", () => usage.close());
  const redis = await openRedis(loaded, environment, shared, usage.spent);
  if (redis !== undefined) telemetry.metrics.register(redis.meter);
  shutdown.register("Redis", () => redis?.close());
  const accounts = await openAccounts(shared, audit, redis);
  shutdown.register("accounts", () => accounts.close());
  const onAlert: LimiterOptions["onAlert"] = (scope, alert) => telemetry.alert(budgetAlert(scope, alert));
  const limiter = createLimiter(shared, usage, redis?.limits, onAlert);
  limiter.configure(gatewayLimits(loaded));
  const decisions = openDecisionLog(loaded, shared);
  shutdown.register("decision log", () => decisions.close());

  const modules = openModules({
    world: { ...shared, builtins, audit, settings: () => generations.current.loaded.settings },
    conversations: redis?.conversations,
    caller: models,
    principalOf: (id) => accounts.book.principal(id) ?? opened.access().withoutKey?.(id),
    current: () => generations.current.loaded,
    metrics: telemetry.metrics,
    shutdown,
  });
  const { memory, retrieval } = modules;

  let local: readonly DiscoveredProvider[] = [];
  const composeOptions = (
    next: LoadedSettings,
    before: Pick<Composition, "strategies" | "exporters"> = { strategies: new Map(), exporters: new Map() },
  ): ComposeOptions => ({
    loaded: next,
    builtins,
    environment,
    local,
    shared: { ...shared, memory, retrieval },
    strategies: before.strategies,
    exporters: before.exporters,
  });
  const decide = (next: LoadedSettings) =>
    decideAccess(next, redis?.claims ?? store, accounts.book, environment, shared);
  let opened = await decide(loaded);
  if (opened.warning !== undefined) logger.warn(opened.warning);
  const first = await compose(composeOptions(loaded));
  warn(first, logger);
  const generations = new Generations<Composition>(
    first,
    (error) => logger.error("a provider did not close", { error }),
  );
  shutdown.register("providers", () => generations.close());
  const follow = ({ loaded: { settings }, exporters, planned }: Composition) =>
    telemetry.configure(
      settings.telemetry,
      [...exporters.values()],
      new Map(planned.map(({ name, plugin }) => [name, plugin.name])),
    );
  follow(first);
  shutdown.register(
    "exporters",
    (forced) => telemetryParts.flush(generations.current.loaded.settings.telemetry.flush_ms, forced),
  );

  const gateway: GatewayServices = {
    clock,
    acquire: () => generations.acquire(),
    record: (decision) => {
      usage.ledger.settle(decision);
      decisions.record(decision);
      telemetry.record(decision);
      if (generations.current.loaded.settings.logging.access) writeAccessLine(logger, decision);
    },
    cache: {
      store: redis?.responses ?? new MemoryResponseCache(loaded.settings.cache.max_bytes),
      get maxAnswerBytes() {
        return generations.current.loaded.settings.cache.max_answer_bytes;
      },
    },
    limiter,
    ledger: usage.ledger,
    traces: telemetry.traces,
    memory,
    retrieval,
    responses: new ResponseStore(store, {
      retentionMs: () => generations.current.loaded.settings.responses.retention_days * dayMs,
      now: () => clock.now(),
      onError: onStoreError,
    }),
    onPluginError: (where, error) =>
      logger.error("a plugin failed", { where, error: error instanceof Error ? error.stack : error }),
    stopping: shutdown.forced,
  };
  const admission = new Admission(() => generations.current.loaded.settings.server.max_concurrent_requests);
  const services = {
    gateway,
    logger,
    access: () => opened.access(),
    accounts,
    usage: usage.database,
    flushUsage: () => usage.ledger.flush(),
    limiter,
    listModels: (mayUse: (target: string) => boolean) =>
      listModels(generations.current, mayUse, (model) => shared.states.unhealthy(model, clock.monotonic())),
    listCapabilities: (mayUse: (target: string) => boolean) => listCapabilities(generations.current, mayUse),
    decisions,
    chains: () => generations.current.chains,
    chainRuns: chains.runs.store,
    scrape: () => telemetry.scrape(),
    memory: () => modules.openMemory(),
    retrieval,
    auditLog,
    onRefused: (status: number) => telemetry.refused(status),
    ready: () => !shutdown.announced.aborted,
    admit: () => admission.enter(),
    streamBody,
    version: options.version,
  };
  telemetry.metrics.register(gatewaySource({ admission, decisions, ledger: usage.ledger }));
  const handle = (plan: ListenerPlan) => createApp(services, httpSettings(generations.current.loaded), plan);
  const listeners = await openListeners(loaded, handle, { clock, logger });
  const server = listeners.main;
  shutdown.register("listener", (forced) => listeners.close(forced));
  telemetryParts.started(
    { version: options.version, host: server.host, port: server.port },
    shutdown.announced,
  );

  const activate = (composition: Composition) => {
    const known = new Set(generations.current.planned.map(providerKey));
    for (const provider of composition.planned) {
      if (!known.has(providerKey(provider))) shared.states.forget(provider.name);
    }
    // Before the old generation is let go of: it closes the exporters that are in no use any more.
    follow(composition);
    generations.replace(composition);
    listeners.renew();
    shared.lists.follow(composition.listing);
  };
  function refreshModels(): void {
    generations.current.registry.refresh();
  }
  shared.lists.follow(first.listing);
  void loadPrices(first, shared, refreshModels);
  // What an earlier run has left to do is not to wait for the first request.
  await modules.resume();

  // One change at a time: two at once could overtake each other.
  let changes: Promise<void> = Promise.resolve();
  const change = (work: () => Promise<void>): Promise<void> => (changes = changes.then(work));

  const reload = () =>
    change(async () => {
      try {
        const next = await options.reload();
        const composition = await compose(composeOptions(next, generations.current));
        const access = await decide(next);
        // Nobody would ever see it: only a start shows a new key.
        if (access.newAdminKey !== undefined) {
          throw new Error(
            "it asks for a key and there is none: add one under [[auth.keys]], or restart to be given an admin key",
          );
        }
        audit({ actor: "gateway", action: "config.reload", resource: next.file ?? "environment" });
        shared.states.configure(stateSettings(next));
        warn(composition, logger);
        warnOfRestart(generations.current.loaded, next, logger);
        opened = access;
        limiter.configure(gatewayLimits(next));
        activate(composition);
        void loadPrices(composition, shared, refreshModels);
        telemetryParts.reloaded();
        logger.info("the configuration was reloaded", { file: next.file });
      } catch (error) {
        telemetryParts.notReloaded(loaded.file ?? "environment", error);
        logger.error("the new configuration is not usable; the old one goes on", {
          error: error instanceof Error ? error.message : String(error),
        });
      }
    });
  const discovered = change(async () => {
    if (!looksForLocal(loaded)) return;
    local = await findLocal(first, shared, server.port);
    if (local.length === 0) return;
    activate(await compose(composeOptions(generations.current.loaded, generations.current)));
  });

  if (loaded.file !== undefined) {
    const stop = watchSettings({ file: loaded.file, clock, onChange: () => void reload() });
    shutdown.register("configuration watch", stop);
  }
  return {
    host: server.host,
    port: server.port,
    async keepAdminKey() {
      const { newAdminKey } = opened;
      if (newAdminKey === undefined) return undefined;
      if (await newAdminKey.keep()) {
        audit({
          actor: "gateway",
          action: "key.create",
          resource: `key:${idOfApiKey(newAdminKey.key)}`,
          details: { first: true },
        });
        return newAdminKey.key;
      }
      opened = await decide(loaded);
      return undefined;
    },
    keyRequired: opened.access().keyRequired,
    discovered,
    providers: () => generations.current.planned,
    retrieval,
    models: () => generations.current.registry.names(),
    reload,
  };
}

function warn(composition: Composition, logger: Logger): void {
  for (const warning of composition.warnings) logger.warn(warning);
}
