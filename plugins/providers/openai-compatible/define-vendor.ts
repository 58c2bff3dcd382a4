import { definePlugin } from "intellirouter/plugin";
import type { LoopbackDiscovery, PluginDefinition } from "intellirouter/plugin";
import type { z } from "zod";
import { createOpenAiCompatible } from "./create-provider.ts";
import { type openAiCompatibleOptions, optionsWithDefaults } from "./options.ts";

/** What makes one vendor's, or one server's, dialect of the protocol. */
export interface Vendor {
  readonly name: string;
  readonly description: string;
  readonly defaults: Partial<z.input<typeof openAiCompatibleOptions>>;
  /** Environment variables that may hold the key. */
  readonly apiKey?: readonly string[];
  /** Environment variable that may hold another address. */
  readonly baseUrl?: string;
  /** The vendor's id in the price data. */
  readonly priceId?: string;
  /** How the server is recognised on this machine; the options follow from the address. */
  readonly local?: Omit<LoopbackDiscovery, "options">;
}

/** A vendor that speaks the OpenAI protocol, as a plugin. */
export function defineVendor(vendor: Vendor): PluginDefinition<"provider"> {
  const { name, description, defaults, apiKey, baseUrl, priceId, local } = vendor;
  return definePlugin({
    apiVersion: 1,
    kind: "provider",
    name,
    description,
    options: optionsWithDefaults(defaults),
    ...(priceId === undefined ? {} : { priceId }),
    discovery: {
      ...(apiKey === undefined ? {} : {
        environment: {
          secrets: { api_key: apiKey },
          ...(baseUrl === undefined ? {} : { options: { base_url: [baseUrl] } }),
        },
      }),
      ...(local === undefined
        ? {}
        : { loopback: { ...local, options: (origin: string) => ({ base_url: `${origin}/v1` }) } }),
    },
    create: createOpenAiCompatible,
  });
}
