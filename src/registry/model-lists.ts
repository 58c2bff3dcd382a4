import type { Clock, TimerHandle } from "../lib/clock.ts";
import type { PluginLogger } from "../plugin/api/host.ts";
import type { ModelDescription, Provider } from "../plugin/api/provider.ts";

export interface ModelListsOptions {
  readonly clock: Clock;
  readonly logger: PluginLogger;
  readonly random: () => number;
  /** Told when a provider's list has changed. */
  readonly onChange: () => void;
}

/** How a provider answered when it was last asked for its models. */
export interface ListingHealth {
  /** Wall-clock milliseconds of the last good answer. */
  readonly lastOkAt: number | undefined;
  readonly lastError: string | undefined;
}

interface Entry {
  models: readonly ModelDescription[];
  health: ListingHealth;
  failures: number;
  timer: TimerHandle | undefined;
  readonly stop: AbortController;
}

const refreshMs = 5 * 60_000;
const firstRetryMs = 5_000;
const timeoutMs = 10_000;

/**
 * The models that backends themselves list, asked for in the background and again every few minutes. A backend that does
 * not answer keeps the list it had. Outlives configurations, so that a reload does not forget what was listed.
 */
export class ModelLists {
  readonly #options: ModelListsOptions;
  readonly #entries = new Map<string, Entry>();

  constructor(options: ModelListsOptions) {
    this.#options = options;
  }

  /** Undefined until the provider has answered once. */
  get(key: string): readonly ModelDescription[] | undefined {
    const entry = this.#entries.get(key);
    return entry?.health.lastOkAt === undefined ? undefined : entry.models;
  }

  health(key: string): ListingHealth | undefined {
    return this.#entries.get(key)?.health;
  }

  /**
   * Asks these providers from now on, and no others.
   *
   * @param providers by a key that changes when the provider's configuration does, so that a list is not taken for another's.
   */
  follow(providers: ReadonlyMap<string, Provider>): void {
    for (const [key, entry] of this.#entries) {
      this.#stop(entry);
      if (!providers.has(key)) this.#entries.delete(key);
    }
    for (const [key, provider] of providers) {
      if (provider.listModels === undefined) continue;
      const old = this.#entries.get(key);
      const entry: Entry = {
        models: old?.models ?? [],
        health: old?.health ?? { lastOkAt: undefined, lastError: undefined },
        failures: 0,
        timer: undefined,
        stop: new AbortController(),
      };
      this.#entries.set(key, entry);
      void this.#ask(key, provider, entry);
    }
  }

  close(): void {
    for (const entry of this.#entries.values()) this.#stop(entry);
  }

  #stop(entry: Entry): void {
    entry.stop.abort(new Error("no longer asked"));
    if (entry.timer !== undefined) this.#options.clock.clearTimeout(entry.timer);
  }

  async #ask(key: string, provider: Provider, entry: Entry): Promise<void> {
    const { clock, logger, random } = this.#options;
    const call = new AbortController();
    const stop = () => call.abort(entry.stop.signal.reason);
    entry.stop.signal.addEventListener("abort", stop, { once: true });
    const timer = clock.setTimeout(
      () => call.abort(new Error(`no answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
    try {
      const models = await provider.listModels!({ requestId: "model-list", signal: call.signal });
      if (entry.stop.signal.aborted) return;
      if (!isModelList(models)) throw new TypeError("its list of models is not a list of { id }");
      const changed = JSON.stringify(models) !== JSON.stringify(entry.models) ||
        entry.health.lastOkAt === undefined;
      entry.models = models;
      entry.failures = 0;
      entry.health = { lastOkAt: clock.now(), lastError: undefined };
      if (changed) this.#options.onChange();
    } catch (error) {
      if (entry.stop.signal.aborted) return;
      const message = error instanceof Error ? error.message : String(error);
      entry.failures++;
      if (entry.health.lastError !== message) {
        logger.warn("a provider did not list its models", { provider: key.split("\n")[0], error: message });
      }
      entry.health = { lastOkAt: entry.health.lastOkAt, lastError: message };
    } finally {
      clock.clearTimeout(timer);
      entry.stop.signal.removeEventListener("abort", stop);
    }
    const delay = entry.failures === 0
      ? refreshMs
      : Math.min(refreshMs, firstRetryMs * 2 ** (entry.failures - 1));
    entry.timer = clock.setTimeout(
      () => void this.#ask(key, provider, entry),
      delay * (0.9 + 0.2 * random()),
    );
  }
}

/** Providers are plugins: their types may have been left unchecked. */
function isModelList(models: unknown): models is readonly ModelDescription[] {
  return Array.isArray(models) && models.every((model) => typeof model?.id === "string" && model.id !== "");
}
