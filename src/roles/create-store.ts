import type { LoadedSettings } from "../config/load-settings.ts";
import { ConfigError } from "../lib/config-error.ts";
import type { AnyPlugin } from "../plugin/api/define-plugin.ts";
import type { Store } from "../plugin/api/store.ts";
import { createInstance } from "../plugin/host/create-instance.ts";
import { createPluginHost } from "../plugin/host/plugin-host.ts";
import { PluginRegistry } from "../plugin/host/plugin-registry.ts";
import type { SharedServices } from "./shared-services.ts";

/** The gateway's own small state. It is opened once: changing it needs a restart. */
export async function createStore(
  loaded: LoadedSettings,
  builtins: readonly AnyPlugin[],
  shared: SharedServices,
): Promise<Store> {
  const { store: { kind }, downloads } = loaded.settings;
  try {
    const plugin = new PluginRegistry(builtins).find("store", kind);
    return await createInstance(plugin, {}, createPluginHost({ ...shared, downloads }, `store-${kind}`));
  } catch (error) {
    const path = ["store", "kind"];
    throw new ConfigError([{
      path,
      position: await loaded.locate(path),
      message: `the store ${kind}${
        shared.dataDirectory === undefined ? "" : ` in ${shared.dataDirectory}`
      } cannot be opened: ${error instanceof Error ? error.message : error}`,
    }]);
  }
}
