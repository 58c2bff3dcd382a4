import type { ListedModel } from "../http/http-services.ts";
import { personaProvider } from "../lib/reserved-names.ts";
import type { RegistryModel } from "../registry/model-registry.ts";
import type { TargetHealth } from "../router/target-states.ts";
import type { Composition } from "./compose.ts";

/**
 * What `/v1/models` shows to one caller: routes, aliases, models and personas, each only when the caller may use it.
 *
 * @param unhealthy tells what is wrong with a target now; its last error is not shown, which may hold a backend's insides.
 */
export function listModels(
  { registry, loaded }: Pick<Composition, "registry" | "loaded">,
  mayUse: (target: string) => boolean,
  unhealthy: (model: RegistryModel) => TargetHealth | undefined = () => undefined,
): ListedModel[] {
  const routes = new Map<string, ListedModel>();
  for (const route of loaded.settings.routes) {
    if (route.name === "*") continue;
    const usable = route.targets
      .map((target) => typeof target === "string" ? target : target.target)
      .filter((target) => mayUse(registry.find(target)?.id ?? target));
    if (usable.length === 0) continue;
    const before = (routes.get(route.name)?.targets ?? []) as readonly string[];
    routes.set(route.name, {
      id: route.name,
      object: "model",
      created: 0,
      owned_by: "intellirouter",
      targets: [...new Set([...before, ...usable])],
    });
  }
  const models = registry.list()
    .filter(({ id, model }) => !routes.has(id) && mayUse(model.id))
    .map(({ id, model }) => describe(id, model, unhealthy(model)));
  const isRoute = (name: string) => loaded.settings.routes.some((route) => route.name === name);
  const answers = (name: string | undefined) => {
    if (name === undefined) return routes.size + models.length > 0;
    return isRoute(name) ? routes.has(name) : mayUse(registry.find(name)?.id ?? name);
  };
  const personas = Object.entries(loaded.settings.personas)
    .filter(([, { model }]) => answers(model))
    .map(([name, { model }]): ListedModel => ({
      id: `${personaProvider}/${name}`,
      object: "model",
      created: 0,
      owned_by: "intellirouter",
      ...(model === undefined ? {} : { targets: [model] }),
    }));
  return [...routes.values(), ...models, ...personas];
}

function describe(id: string, model: RegistryModel, health: TargetHealth | undefined): ListedModel {
  const known = {
    provider: model.provider,
    target: model.id,
    context_length: model.contextLength,
    max_output_tokens: model.maxOutputTokens,
    tools: model.tools,
    vision: model.vision,
    json_schema: model.jsonSchema,
    embeddings: model.embeddings,
    price: model.inputPrice === undefined
      ? undefined
      : { input: model.inputPrice, output: model.outputPrice },
    mock: model.mock || undefined,
    health: health === undefined
      ? undefined
      : { state: health.state, retry_after_ms: Math.ceil(health.retryAfterMs) },
  };
  return { id, object: "model", created: model.created, owned_by: model.ownedBy, ...known };
}
