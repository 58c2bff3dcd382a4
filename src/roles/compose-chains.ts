import type { CompiledChain } from "../chain/compiled-step.ts";
import type { LoadedSettings } from "../config/load-settings.ts";
import type { ModelSettings } from "../schema/settings.ts";
import { chainProvider } from "../lib/reserved-names.ts";
import type { Provider } from "../plugin/api/provider.ts";
import { UpstreamError } from "../plugin/api/upstream-error.ts";
import type { RegisteredProvider } from "../registry/model-registry.ts";
import { located } from "./located.ts";

/** The chains of a configuration. @throws {ConfigError} with the place in the file of what is wrong. */
export async function composeChains(loaded: LoadedSettings): Promise<ReadonlyMap<string, CompiledChain>> {
  if (Object.keys(loaded.settings.chains).length === 0) return new Map();
  // The expression language takes megabytes; without chains it stays away.
  const { ChainDefinitionError, compileChains } = await import("../chain/compile-chains.ts");
  try {
    return compileChains(loaded.settings.chains);
  } catch (error) {
    if (!(error instanceof ChainDefinitionError)) throw error;
    throw await located(error, loaded, ["chains", ...error.path]);
  }
}

/** How the registry knows chains: as models of one provider, which serve chat. */
export function chainModels(chains: ReadonlyMap<string, CompiledChain>): RegisteredProvider[] {
  if (chains.size === 0) return [];
  const provider: Provider = { chat: { complete: unasked, stream: unasked } };
  return [{
    name: chainProvider,
    provider,
    priceId: undefined,
    configuredModels: [...chains.keys()],
    bareNames: false,
    listed: () => undefined,
  }];
}

/** A chain costs what its steps do, which are booked themselves. */
export function chainFacts(chains: ReadonlyMap<string, CompiledChain>): ModelSettings[] {
  return [...chains.keys()].map((name) => ({
    id: `${chainProvider}/${name}`,
    price: { input: 0, output: 0, per_request: 0 },
  }));
}

/** Every call gets a provider of its own, which knows whose it is. */
function unasked(): Promise<never> {
  return Promise.reject(
    new UpstreamError({ kind: "unavailable", message: "Chains are run by a gateway only." }),
  );
}
