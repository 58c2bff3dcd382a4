import type { Environment } from "../config/environment.ts";
import type { LoadedSettings } from "../config/load-settings.ts";
import type { ListedModel } from "../http/http-services.ts";
import type { AnyPlugin } from "../plugin/api/define-plugin.ts";
import type { ModelDescription } from "../plugin/api/provider.ts";
import { createEgress } from "../plugin/host/egress.ts";
import { discoverLocal } from "../registry/discovery.ts";
import { ModelRegistry } from "../registry/model-registry.ts";
import { composeOffline } from "./compose-offline.ts";
import { listModels } from "./list-models.ts";
import { looksForLocal } from "./plan-providers.ts";

const askMs = 3_000;
const probeMs = 300;

/**
 * The models that a gateway with these settings would list.
 *
 * @param ask whether the backends may be asked for their lists.
 */
export async function describeModels(
  loaded: LoadedSettings,
  builtins: readonly AnyPlugin[],
  environment: Environment,
  ask: boolean,
): Promise<{ readonly models: readonly ListedModel[]; readonly problems: readonly string[] }> {
  const problems: string[] = [];
  const egress = createEgress();
  const local = ask && looksForLocal(loaded)
    ? await discoverLocal(builtins.filter((plugin) => plugin.kind === "provider"), {
      probe: (url, signal) => egress(url, { signal }),
      ownPorts: new Set([loaded.settings.server.port]),
      signal: AbortSignal.timeout(probeMs),
    })
    : [];
  const composition = await composeOffline(loaded, builtins, environment, { local, egress });
  const lists = new Map<string, readonly ModelDescription[]>();
  if (ask) {
    await Promise.all(
      composition.planned.filter(({ listModels }) => listModels).map(async ({ name }) => {
        const provider = composition.providers.get(name)!;
        if (provider.listModels === undefined) return;
        try {
          lists.set(
            name,
            await provider.listModels({ requestId: "models", signal: AbortSignal.timeout(askMs) }),
          );
        } catch (error) {
          problems.push(`${name} did not list its models: ${error instanceof Error ? error.message : error}`);
        }
      }),
    );
  }
  const registry = new ModelRegistry({
    providers: composition.planned.map((entry) => ({
      name: entry.name,
      provider: composition.providers.get(entry.name)!,
      priceId: entry.plugin.priceId,
      configuredModels: entry.models,
      bareNames: entry.origin === "built-in",
      listed: () => lists.get(entry.name),
    })),
    models: loaded.settings.models,
    prices: composition.prices,
  });
  const models = listModels({ registry, loaded }, () => true);
  await composition.dispose();
  return { models, problems: [...composition.warnings, ...problems] };
}
