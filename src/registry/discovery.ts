import type { PluginDefinition } from "../plugin/api/define-plugin.ts";
import type { LoopbackDiscovery } from "../plugin/api/provider.ts";

/** A provider, or another kind of plugin that the environment can ask for, that was found instead of configured. */
export interface Discovered<Kind extends "provider" | "exporter"> {
  readonly name: string;
  readonly plugin: PluginDefinition<Kind>;
  readonly options: Readonly<Record<string, unknown>>;
  readonly secrets: Readonly<Record<string, string>>;
  readonly origin: "environment" | "loopback" | "built-in";
  /** Where it was found, for people: a variable's name or an address. */
  readonly found: string;
}

export type DiscoveredProvider = Discovered<"provider">;

type ProviderPlugin = PluginDefinition<"provider">;

/** Plugins whose keys or addresses are in the environment, as they declare it. */
export function discoverEnvironment<Kind extends "provider" | "exporter">(
  plugins: readonly PluginDefinition<Kind>[],
  environment: Readonly<Record<string, string | undefined>>,
): Discovered<Kind>[] {
  return plugins.flatMap((plugin) => {
    const declared = plugin.discovery?.environment;
    if (declared === undefined) return [];
    const secrets = valuesOf(declared.secrets, environment);
    const options = valuesOf(declared.options ?? {}, environment);
    const found = { ...options, ...secrets };
    const needed = (declared.needs ?? [["api_key"]]).find((names) =>
      names.every((name) => Object.hasOwn(found, name))
    );
    if (needed === undefined) return [];
    return [{
      name: plugin.name,
      plugin,
      options: textsOf(options),
      secrets: textsOf(secrets),
      origin: "environment" as const,
      found: found[needed[0]!]!.variable,
    }];
  });
}

interface FoundValue {
  readonly variable: string;
  readonly value: string;
}

function valuesOf(
  declared: Readonly<Record<string, readonly string[]>>,
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, FoundValue> {
  return Object.fromEntries(
    Object.entries(declared).flatMap(([name, variables]) => {
      const variable = variables.find((candidate) => (environment[candidate] ?? "").trim() !== "");
      return variable === undefined ? [] : [[name, { variable, value: environment[variable]!.trim() }]];
    }),
  );
}

function textsOf(values: Readonly<Record<string, FoundValue>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, { value }]) => [name, value]));
}

/** Providers that need nothing at all. */
export function discoverBuiltIn(plugins: readonly ProviderPlugin[]): DiscoveredProvider[] {
  return plugins
    .filter((plugin) => plugin.discovery?.always)
    .map((plugin) => ({
      name: plugin.name,
      plugin,
      options: {},
      secrets: {},
      origin: "built-in",
      found: "built in",
    }));
}

export interface LocalDiscoveryOptions {
  /** A GET; must honour the signal. */
  readonly probe: (url: string, signal: AbortSignal) => Promise<Response>;
  /** Ports that are our own. */
  readonly ownPorts: ReadonlySet<number>;
  /** Aborts when the time is up. */
  readonly signal: AbortSignal;
}

/** What is read of a probe's answer, in bytes. */
const mostProbed = 65_536;

/**
 * Model servers on this machine's loopback ports, as their plugins recognise them. All ports are asked at once, and
 * what has not answered when the signal aborts is not there. Another IntelliRouter is never taken for a model server.
 */
export async function discoverLocal(
  plugins: readonly ProviderPlugin[],
  options: LocalDiscoveryOptions,
): Promise<DiscoveredProvider[]> {
  const probes = plugins.flatMap((plugin) => {
    const declared = plugin.discovery?.loopback;
    if (declared === undefined) return [];
    return declared.ports
      .filter((port) => !options.ownPorts.has(port))
      .map((port) => probe(plugin, declared, `http://127.0.0.1:${port}`, options));
  });
  const found = (await Promise.all(probes)).filter((provider) => provider !== undefined);
  const seen = new Map<string, number>();
  return found.map((provider) => {
    const count = (seen.get(provider.name) ?? 0) + 1;
    seen.set(provider.name, count);
    return count === 1 ? provider : { ...provider, name: `${provider.name}-${count}` };
  });
}

async function probe(
  plugin: ProviderPlugin,
  declared: LoopbackDiscovery,
  origin: string,
  options: LocalDiscoveryOptions,
): Promise<DiscoveredProvider | undefined> {
  try {
    const { response, text } = await untilAborted(ask(origin + declared.path, options), options.signal);
    if (response.headers.has("x-intellirouter")) return undefined;
    if (!declared.recognise({ status: response.status, headers: response.headers, text })) return undefined;
    return {
      name: plugin.name,
      plugin,
      options: declared.options(origin),
      secrets: {},
      origin: "loopback",
      found: origin,
    };
  } catch {
    return undefined;
  }
}

async function ask(
  url: string,
  options: LocalDiscoveryOptions,
): Promise<{ response: Response; text: string }> {
  const response = await options.probe(url, options.signal);
  return { response, text: await beginning(response) };
}

/** What listens on a port may be anything: the start does not wait for it longer than it may. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    work.then(resolve, reject);
  });
}

async function beginning(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length >= mostProbed) break;
  }
  return text;
}
