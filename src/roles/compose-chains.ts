import type { ChainModule } from "../chain/compile-chains.ts";
import type { CompiledChain } from "../chain/compiled-step.ts";
import type { LoadedSettings } from "../config/load-settings.ts";
import type { ModelSettings } from "../schema/settings.ts";
import type { SettingPath } from "../lib/config-error.ts";
import { chainProvider } from "../lib/reserved-names.ts";
import { type ChatFeature, chatFeatures } from "../plugin/api/fidelity.ts";
import type { Provider } from "../plugin/api/provider.ts";
import { UpstreamError } from "../plugin/api/upstream-error.ts";
import type { RegisteredProvider } from "../registry/model-registry.ts";
import { located } from "./located.ts";

/**
 * The chains of a configuration.
 *
 * @param make makes one that is code.
 * @throws {ConfigError} with the place in the file of what is wrong.
 */
export async function composeChains(
  loaded: LoadedSettings,
  make: (kind: string, options: Readonly<Record<string, unknown>>, path: SettingPath) => Promise<ChainModule>,
): Promise<ReadonlyMap<string, CompiledChain>> {
  const chains = Object.entries(loaded.settings.chains);
  if (chains.length === 0) return new Map();
  const modules = new Map<string, ChainModule>();
  for (const [name, { kind, options }] of chains) {
    if (kind !== undefined) modules.set(name, await make(kind, options, ["chains", name]));
  }
  // The expression language takes megabytes; without chains it stays away.
  const { ChainDefinitionError, compileChains } = await import("../chain/compile-chains.ts");
  try {
    return compileChains(loaded.settings.chains, modules);
  } catch (error) {
    if (!(error instanceof ChainDefinitionError)) throw error;
    throw await located(error, loaded, ["chains", ...error.path]);
  }
}

/** How the registry knows chains: as models of one provider, which serve chat. */
export function chainModels(chains: ReadonlyMap<string, CompiledChain>): RegisteredProvider[] {
  if (chains.size === 0) return [];
  const provider: Provider = { chat: { complete: unasked, stream: unasked }, fidelity: chainFidelity };
  return [{
    name: chainProvider,
    provider,
    priceId: undefined,
    configuredModels: [...chains.keys()],
    bareNames: false,
    listed: () => undefined,
  }];
}

/** The steps say how models are asked; of a conversation that is no plain text only those with `history` see all. */
const approximated: readonly ChatFeature[] = [
  "image_data",
  "image_url",
  "audio_input",
  "file_input",
  "tool_results",
  "parallel_tool_results",
  "reasoning_replay",
  "cache_control",
];
const chainFidelity: NonNullable<Provider["fidelity"]> = {
  ...Object.fromEntries(chatFeatures.map((feature) => [feature, "dropped"] as const)),
  ...Object.fromEntries(approximated.map((feature) => [feature, "approximated"] as const)),
  system_prompt: "full",
  developer_prompt: "full",
  user: "full",
  n: "refused",
};

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
