import { type ConfigProblem } from "../lib/config-error.ts";
import { didYouMeanSentence } from "../lib/did-you-mean.ts";
import { chainProvider, personaProvider } from "../lib/reserved-names.ts";
import { checkPersonas } from "./check-personas.ts";
import type { Settings } from "../schema/settings.ts";

const reservedNames = [personaProvider, chainProvider];
const builtInRoles = ["admin", "operator", "developer", "viewer", "service"];

/** Faults that no single field shows. Plugin options and conditions are checked where they are compiled. */
export function crossCheck(
  settings: Settings,
): { readonly problems: ConfigProblem[]; readonly warnings: string[] } {
  const problems: ConfigProblem[] = [];
  const warnings: string[] = [];
  const report = (path: (string | number)[], message: string) => problems.push({ path, message });

  const providers = new Set<string>();
  settings.providers.forEach((provider, index) => {
    if (providers.has(provider.name)) {
      report(["providers", index, "name"], `the provider name "${provider.name}" is used twice.`);
    }
    providers.add(provider.name);
    if (reservedNames.includes(provider.name)) {
      report(["providers", index, "name"], `the provider name "${provider.name}" is reserved.`);
    }
    const keys = (["api_key", "api_key_env", "api_key_file"] as const).filter((key) =>
      provider[key] !== undefined
    );
    if (keys.length > 1) report(["providers", index, keys[1]!], `give only one of ${keys.join(", ")}.`);
  });

  const keyIds = new Set<string>();
  settings.auth.keys.forEach(({ id }, index) => {
    if (keyIds.has(id)) report(["auth", "keys", index, "id"], `the key id "${id}" is used twice.`);
    keyIds.add(id);
  });

  const roles = new Set([...builtInRoles, ...settings.auth.roles.map(({ name }) => name)]);
  settings.auth.roles.forEach(({ name }, index) => {
    if (builtInRoles.includes(name)) {
      report(["auth", "roles", index, "name"], `the role "${name}" is built in.`);
    }
  });
  const checkRoles = (names: readonly string[], path: (string | number)[]) =>
    names.forEach((role, position) => {
      if (roles.has(role)) return;
      const hint = didYouMeanSentence(role, [...roles]) || ` Roles: ${[...roles].join(", ")}.`;
      report([...path, position], `there is no role "${role}".${hint}`);
    });
  settings.auth.keys.forEach((key, index) => checkRoles(key.roles, ["auth", "keys", index, "roles"]));
  settings.auth.issuers.forEach((issuer, index) =>
    checkRoles(issuer.default_roles, ["auth", "issuers", index, "default_roles"])
  );
  for (const kind of ["teams", "organisations"] as const) {
    const ids = settings.auth[kind].map(({ id }) => id);
    ids.forEach((id, index) => {
      if (ids.indexOf(id) < index) report(["auth", kind, index, "id"], `the id "${id}" is used twice.`);
    });
  }

  const models = new Map(settings.models.map((model) => [model.id, model]));
  const seenModels = new Set<string>();
  settings.models.forEach((model, index) => {
    if (seenModels.has(model.id)) {
      report(["models", index, "id"], `the model id "${model.id}" is used twice.`);
    }
    seenModels.add(model.id);
    reserved(model.id, ["models", index, "id"], report);
    if (model.target === undefined && !model.id.includes("/")) {
      report(
        ["models", index],
        `the model "${model.id}" needs a target; without one its id must be "provider/model".`,
      );
    }
    if (isLoop(model.id, models)) {
      report(["models", index, "target"], `the model "${model.id}" stands for itself in a circle.`);
    }
  });

  const routeNames = new Set(settings.routes.map((route) => route.name));
  settings.routes.forEach((route, index) => {
    reserved(route.name, ["routes", index, "name"], report);
    if (models.get(route.name)?.target !== undefined) {
      report(["routes", index, "name"], `"${route.name}" is both a route and a model.`);
    }
    const earlier = settings.routes.slice(0, index).find((other) =>
      other.name === route.name && other.when === undefined
    );
    if (earlier !== undefined) {
      warnings.push(
        `the route "${route.name}" at position ${
          index + 1
        } is never reached: an earlier one of that name has no condition`,
      );
    }
  });

  // Providers that are found instead of configured are known only when the gateway runs.
  const closed = settings.providers.length > 0 && settings.discovery.environment !== "on" &&
    settings.discovery.local !== "on" &&
    settings.discovery.mock !== "on";
  /** What is wrong with a target, and whether it looks like a typing error. */
  const fault = (target: string): { readonly message: string; readonly likelyTypo: boolean } | undefined => {
    if (models.has(target)) return undefined;
    if (routeNames.has(target)) {
      return { message: `"${target}" is a route; a target must be a model.`, likelyTypo: true };
    }
    const provider = target.includes("/") ? target.slice(0, target.indexOf("/")) : undefined;
    if (provider === chainProvider) {
      const chain = target.slice(chainProvider.length + 1);
      if (settings.chains[chain] !== undefined) return undefined;
      const hint = didYouMeanSentence(chain, Object.keys(settings.chains));
      return { message: `there is no chain "${chain}".${hint}`, likelyTypo: true };
    }
    if (provider === personaProvider) {
      return { message: `"${target}" is a persona; a target must be a model.`, likelyTypo: true };
    }
    if (!closed || (provider !== undefined && providers.has(provider))) return undefined;
    if (provider === undefined) {
      const hint = didYouMeanSentence(target, [...models.keys()]) ||
        ' A target has the form "provider/model".';
      return { message: `there is no model "${target}".${hint}`, likelyTypo: true };
    }
    const hint = didYouMeanSentence(provider, [...providers]);
    const known = ` Providers: ${[...providers].join(", ")}.`;
    return { message: `there is no provider "${provider}".${hint || known}`, likelyTypo: hint !== "" };
  };
  settings.models.forEach(({ target }, index) => {
    const found = target === undefined ? undefined : fault(target);
    if (found !== undefined) report(["models", index, "target"], found.message);
  });
  settings.routes.forEach((route, index) => {
    const targets = route.targets.map((entry) => typeof entry === "string" ? entry : entry.target);
    const faults = targets.map(fault);
    // A provider may be configured on some machines only: a route that has another target to go to still serves.
    const serves = faults.some((found) => found === undefined);
    targets.forEach((target, position) => {
      const path = ["routes", index, "targets", position];
      const found = faults[position];
      if (found !== undefined && (found.likelyTypo || !serves)) report(path, found.message);
      else if (found !== undefined) {
        warnings.push(`the route "${route.name}" leaves out its target "${target}": ${found.message}`);
      }
      if (targets.indexOf(target) < position) report(path, `the target "${target}" is listed twice.`);
      if (target.endsWith("/*") && route.name !== "*") {
        warnings.push(
          `the target "${target}" of the route "${route.name}" asks the backend for a model named "${route.name}"; "/*" is meant for the route "*"`,
        );
      }
    });
  });

  problems.push(...checkPersonas(settings, fault));

  const { memory } = settings;
  for (const name of ["model", "embedding_model"] as const) {
    const model = memory[name];
    // Memory asks as a client does, and may ask for a route.
    const found = model === undefined || routeNames.has(model) || routeNames.has("*")
      ? undefined
      : fault(model);
    if (found !== undefined) report(["memory", name], found.message);
  }
  for (const name of ["embedding_model", "rerank_model"] as const) {
    const model = settings.retrieval[name];
    const found = model === undefined || routeNames.has(model) || routeNames.has("*")
      ? undefined
      : fault(model);
    if (found !== undefined) report(["retrieval", name], found.message);
  }
  const remembers = memory.everything || settings.routes.some((route) => route.memory) ||
    settings.models.some((model) => model.memory);
  if (remembers && memory.model === undefined) {
    warnings.push("memory.model is not set: nothing is condensed, and no facts are learnt");
  }
  const { embedding_model: vectors } = settings.retrieval;
  if (settings.chromadb !== undefined && !remembers && vectors === undefined) {
    warnings.push(
      "[chromadb] is accepted, but nothing uses it: neither memory nor retrieval has an embedding_model",
    );
  } else if (settings.chromadb !== undefined && remembers && memory.embedding_model === undefined) {
    warnings.push(
      "memory.embedding_model is not set: what is learnt is kept in SQLite, and not in [chromadb]",
    );
  }
  const exposed = [settings.server.host, hostOf(settings.server.admin_listen)].find((host) =>
    host !== undefined && !isLoopback(host)
  );
  if (settings.auth.mode === "none" && exposed !== undefined) {
    warnings.push(
      `auth.mode is "none" and the gateway listens on ${exposed}: everybody who reaches this address may use every model`,
    );
  }
  return { problems, warnings };
}

function hostOf(address: string | undefined): string | undefined {
  return address?.slice(0, address.lastIndexOf(":"));
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" || host.startsWith("127.");
}

function reserved(
  name: string,
  path: (string | number)[],
  report: (path: (string | number)[], message: string) => void,
): void {
  const prefix = reservedNames.find((word) => name.startsWith(`${word}/`));
  if (prefix !== undefined) report(path, `names that start with "${prefix}/" are reserved.`);
}

function isLoop(id: string, models: ReadonlyMap<string, { readonly target?: string | undefined }>): boolean {
  const seen = new Set<string>();
  for (let current: string | undefined = id; current !== undefined; current = models.get(current)?.target) {
    if (seen.has(current)) return current === id;
    seen.add(current);
  }
  return false;
}
