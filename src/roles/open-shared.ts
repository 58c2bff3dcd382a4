import type { LoadedSettings } from "../config/load-settings.ts";
import { createEgress } from "../plugin/host/egress.ts";
import { type DiscoveredProvider, discoverLocal } from "../registry/discovery.ts";
import { ModelLists } from "../registry/model-lists.ts";
import { PriceBook } from "../registry/price-book.ts";
import { TargetStates } from "../router/target-states.ts";
import type { Composition } from "./compose.ts";
import type { SharedServices } from "./shared-services.ts";
import { stateSettings } from "./state-settings.ts";

const localDiscoveryMs = 300;

/** @param onChange called when a backend's list of models has changed. */
export function openShared(
  { clock, random, logger, loaded }: Pick<SharedServices, "clock" | "random" | "logger"> & {
    readonly loaded: LoadedSettings;
  },
  dataDirectory: string | undefined,
  onChange: () => void,
): SharedServices {
  return {
    clock,
    random,
    logger,
    egress: createEgress(),
    dataDirectory,
    states: new TargetStates(stateSettings(loaded)),
    lists: new ModelLists({ clock, random, logger, onChange }),
    prices: new PriceBook(),
  };
}

/** Model servers on this machine's loopback ports, the gateway's own left out. */
export async function findLocal(
  composition: Composition,
  { egress }: SharedServices,
  ownPort: number,
): Promise<DiscoveredProvider[]> {
  return await discoverLocal(composition.plugins.all("provider"), {
    probe: (url, signal) => egress(url, { signal }),
    ownPorts: new Set([ownPort]),
    signal: AbortSignal.timeout(localDiscoveryMs),
  });
}
