import type { z } from "zod";
import type { Chain } from "./chain.ts";
import type { Exporter } from "./exporter.ts";
import type { Guardrail } from "./guardrail.ts";
import type { PluginHost } from "./host.ts";
import type { Provider, ProviderDiscovery } from "./provider.ts";
import type { Store } from "./store.ts";
import type { Strategy } from "./strategy.ts";
import type { VectorStore } from "./vector-store.ts";

/** What each kind of plugin creates. */
export interface PluginInstance {
  readonly provider: Provider;
  readonly strategy: Strategy;
  readonly store: Store;
  readonly exporter: Exporter;
  readonly "vector-store": VectorStore;
  readonly chain: Chain;
  readonly guardrail: Guardrail;
}

export type PluginKind = keyof PluginInstance;

/** Fields that only some kinds have. */
interface PluginExtras {
  readonly provider: {
    /** How a gateway without configuration finds this provider. Absent: only by configuration. */
    readonly discovery?: ProviderDiscovery;
    /** The names under which it may ask its host for secrets; `api_key` alone when absent. */
    readonly secrets?: readonly string[];
    /** Environment variables of the vendor's own tools that it may ask its host for; it reads no others. */
    readonly variables?: readonly string[];
    /** The vendor's id in the price data, when it has one. */
    readonly priceId?: string;
  };
  readonly strategy: unknown;
  readonly store: unknown;
  readonly exporter: {
    /** How the environment asks for this exporter. Absent: only the configuration does. */
    readonly discovery?: Pick<ProviderDiscovery, "environment">;
    /** The names under which it may ask its host for secrets; none when absent. */
    readonly secrets?: readonly string[];
    /** It sends spans: requests get trace ids when such an exporter is there. */
    readonly traces?: boolean;
  };
  readonly "vector-store": unknown;
  readonly chain: unknown;
  readonly guardrail: unknown;
}

/**
 * One plugin. Its life: import → shape check → options parse (unknown key = error) → create → use → close,
 * closing in reverse order of creation.
 */
export type PluginSpec<Kind extends PluginKind, Options extends z.ZodType> = {
  /** The version of this contract. */
  readonly apiVersion: 1;
  readonly kind: Kind;
  /** Kebab-case and unique within its kind; the word that a configuration uses. */
  readonly name: string;
  /** One sentence for `intellirouter models` and the generated reference. */
  readonly description: string;
  /** A `z.strictObject`, each field with a description: it is the documentation. */
  readonly options: Options;
  /** Must not do I/O that can hang: a provider that is down must not stop the gateway from starting. */
  create(options: z.output<Options>, host: PluginHost): PluginInstance[Kind] | Promise<PluginInstance[Kind]>;
} & PluginExtras[Kind];

/** A plugin of a known kind whose options type has been forgotten, as the host handles them. */
export type PluginDefinition<Kind extends PluginKind = PluginKind> = {
  [K in Kind]: {
    readonly apiVersion: 1;
    readonly kind: K;
    readonly name: string;
    readonly description: string;
    readonly options: z.ZodType;
    /** Of a module from disk: changes with its text. */
    readonly revision?: string;
    create(options: unknown, host: PluginHost): PluginInstance[K] | Promise<PluginInstance[K]>;
  } & PluginExtras[K];
}[Kind];

export type AnyPlugin = PluginDefinition;

/**
 * Declares a plugin. A plugin's module exports the result as its default.
 *
 * @example
 * export default definePlugin({
 *   apiVersion: 1, kind: "strategy", name: "first", description: "Always the first target.",
 *   options: z.strictObject({}),
 *   create: () => ({ rank: (targets) => targets.map(({ id }) => ({ id })) }),
 * });
 */
export function definePlugin<Kind extends PluginKind, Options extends z.ZodType>(
  spec: PluginSpec<Kind, Options>,
): PluginDefinition<Kind> {
  return spec as unknown as PluginDefinition<Kind>;
}
