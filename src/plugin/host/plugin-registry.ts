import { didYouMeanSentence } from "../../lib/did-you-mean.ts";
import type { AnyPlugin, PluginDefinition, PluginKind } from "../api/define-plugin.ts";

/** Every plugin that the gateway knows, built in or loaded, by kind and name. */
export class PluginRegistry {
  readonly #plugins = new Map<string, AnyPlugin>();

  /** Later plugins replace earlier ones of the same kind and name, so that an operator can override a built-in. */
  constructor(plugins: Iterable<AnyPlugin>) {
    for (const plugin of plugins) this.#plugins.set(`${plugin.kind}:${plugin.name}`, plugin);
  }

  /** @throws {Error} that names the near matches when there is no such plugin. */
  find<Kind extends PluginKind>(kind: Kind, name: string): PluginDefinition<Kind> {
    const plugin = this.#plugins.get(`${kind}:${name}`);
    if (plugin !== undefined && plugin.kind === kind) return plugin as PluginDefinition<Kind>;
    const known = this.all(kind).map((candidate) => candidate.name);
    const suggestion = didYouMeanSentence(name, known) || ` Known: ${known.sort().join(", ")}.`;
    throw new Error(`There is no ${kind} plugin "${name}".${suggestion}`);
  }

  all<Kind extends PluginKind>(kind: Kind): PluginDefinition<Kind>[] {
    return [...this.#plugins.values()].filter((plugin) => plugin.kind === kind) as PluginDefinition<Kind>[];
  }
}
