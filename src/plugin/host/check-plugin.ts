import type { AnyPlugin, PluginKind } from "../api/define-plugin.ts";

const kinds: readonly PluginKind[] = [
  "provider",
  "strategy",
  "store",
  "exporter",
  "vector-store",
  "chain",
  "guardrail",
];

/**
 * The plugin that a module exports as its default.
 *
 * @param origin names the module in the error.
 * @throws {TypeError} that says what is missing.
 */
export function checkPlugin(exported: unknown, origin: string): AnyPlugin {
  const fail = (problem: string): never => {
    throw new TypeError(`${origin}: ${problem}`);
  };
  if (typeof exported !== "object" || exported === null) {
    fail(
      'a plugin module must have a default export made by definePlugin({ … }) from "intellirouter/plugin"',
    );
  }
  const plugin = exported as Partial<AnyPlugin>;
  if (plugin.apiVersion !== 1) {
    fail(`apiVersion is ${String(plugin.apiVersion)}; this gateway knows version 1`);
  }
  if (!kinds.includes(plugin.kind as PluginKind)) {
    fail(`kind is ${JSON.stringify(plugin.kind)}; it must be one of ${kinds.join(", ")}`);
  }
  if (typeof plugin.name !== "string" || !/^[a-z0-9][a-z0-9-]{0,63}$/.test(plugin.name)) {
    fail("name must be 1 to 64 lower-case letters, digits and dashes");
  }
  if (typeof plugin.create !== "function") fail("create must be a function");
  if (typeof plugin.options?.safeParse !== "function") {
    fail("options must be a zod schema, such as z.strictObject({ … })");
  }
  return plugin as AnyPlugin;
}
