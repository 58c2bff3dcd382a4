import type { Environment } from "../config/environment.ts";
import type { LoadedSettings } from "../config/load-settings.ts";
import { systemClock } from "../lib/clock.ts";
import type { AnyPlugin } from "../plugin/api/define-plugin.ts";
import type { EgressFetch } from "../plugin/api/host.ts";
import type { DiscoveredProvider } from "../registry/discovery.ts";
import { ModelLists } from "../registry/model-lists.ts";
import { PriceBook } from "../registry/price-book.ts";
import { TargetStates } from "../router/target-states.ts";
import { Logger } from "../telemetry/logger.ts";
import { compose, type Composition } from "./compose.ts";
import { stateSettings } from "./state-settings.ts";

export interface OfflineOptions {
  readonly local?: readonly DiscoveredProvider[];
  /** Lets providers out after all; only what asks for their models does that. */
  readonly egress?: EgressFetch;
}

/** A composition for looking at: it serves nobody, writes nothing, and forgets everything. */
export async function composeOffline(
  loaded: LoadedSettings,
  builtins: readonly AnyPlugin[],
  environment: Environment,
  { local = [], egress = () => Promise.reject(new Error("no call is made here")) }: OfflineOptions = {},
): Promise<Composition & { readonly prices: PriceBook }> {
  const logger = new Logger({
    level: "silent",
    format: "json",
    now: () => systemClock.now(),
    write: () => {},
  });
  const prices = new PriceBook();
  await prices.load();
  const composition = await compose({
    loaded,
    builtins,
    environment,
    local,
    shared: {
      clock: systemClock,
      random: Math.random,
      logger,
      egress,
      dataDirectory: undefined,
      states: new TargetStates(stateSettings(loaded)),
      lists: new ModelLists({ clock: systemClock, random: Math.random, logger, onChange: () => {} }),
      prices,
    },
  });
  return { ...composition, prices };
}
