import type { ListedCapabilities } from "../http/http-services.ts";
import { chatFeatures } from "../plugin/api/fidelity.ts";
import type { Provider } from "../plugin/api/provider.ts";
import type { Composition } from "./compose.ts";

type Target = ListedCapabilities["targets"][number];

/** What `/v1/capabilities` shows to one caller: for each name, what survives on the way to each target that may serve it. */
export function listCapabilities(
  { registry, loaded, providers }: Pick<Composition, "registry" | "loaded" | "providers">,
  mayUse: (target: string) => boolean,
): ListedCapabilities[] {
  const known = new Map<string, Omit<Target, "target">>();
  for (const [name, provider] of providers) known.set(name, describe(provider));
  const names = new Map<string, Map<string, Target>>();
  const add = (id: string, asked: string) => {
    const model = registry.find(asked);
    const what = model === undefined ? undefined : known.get(model.provider);
    if (model === undefined || what === undefined || !mayUse(model.id)) return;
    const targets = names.get(id) ?? new Map<string, Target>();
    names.set(id, targets.set(model.id, { target: model.id, ...what }));
  };
  for (const { name, targets } of loaded.settings.routes) {
    if (name === "*") continue;
    for (const target of targets) add(name, typeof target === "string" ? target : target.target);
  }
  for (const { id } of registry.list()) if (!names.has(id)) add(id, id);
  return [...names].map(([id, targets]) => ({ id, targets: [...targets.values()] }));
}

function describe(provider: Provider): Omit<Target, "target"> {
  const chat = provider.chat !== undefined;
  const spoken = (path: string, own: unknown) =>
    own !== undefined ? { [path]: "native" as const } : chat ? { [path]: "translated" as const } : {};
  const endpoints = {
    ...(chat ? { "/chat/completions": "native" as const } : {}),
    ...spoken("/messages", provider.messages),
    ...spoken("/responses", provider.responses),
    ...(provider.responses !== undefined
      ? { "/responses": "native" as const }
      : chat
      ? { "/responses": "translated" as const }
      : {}),
    ...(provider.completions === undefined ? {} : { "/completions": "native" as const }),
    ...(provider.embeddings === undefined ? {} : { "/embeddings": "native" as const }),
    ...Object.fromEntries((provider.forward?.paths ?? []).map((path) => [path, "native" as const])),
  };
  const features = Object.fromEntries(
    chatFeatures.map((feature) => [feature, provider.fidelity?.[feature] ?? "full"]),
  );
  return { endpoints, features: features as Target["features"] };
}
