import { z } from "zod";
import type { PluginDefinition, PluginInstance, PluginKind } from "../api/define-plugin.ts";
import type { PluginHost } from "../api/host.ts";

/** A plugin's options that its own schema refuses. */
export class PluginOptionsError extends Error {
  override readonly name = "PluginOptionsError";
  readonly issues: readonly z.core.$ZodIssue[];
  /** The options that the plugin has; empty when its schema does not tell. */
  readonly knownOptions: readonly string[];

  constructor(
    plugin: Pick<PluginDefinition, "kind" | "name" | "options">,
    issues: readonly z.core.$ZodIssue[],
  ) {
    super(
      `The ${plugin.kind} plugin "${plugin.name}" refuses its options: ${issues.map(describe).join("; ")}`,
    );
    this.issues = issues;
    this.knownOptions = plugin.options instanceof z.ZodObject ? Object.keys(plugin.options.shape) : [];
  }
}

function describe(issue: z.core.$ZodIssue): string {
  return issue.path.length === 0 ? issue.message : `${issue.path.join(".")}: ${issue.message}`;
}

/** Options parse → create. */
export async function createInstance<Kind extends PluginKind>(
  plugin: PluginDefinition<Kind>,
  options: Readonly<Record<string, unknown>>,
  host: PluginHost,
): Promise<PluginInstance[Kind]> {
  return await plugin.create(parseOptions(plugin, options), host) as PluginInstance[Kind];
}

/** @throws {PluginOptionsError} on an unknown key or a wrong value. */
export function parseOptions(
  plugin: Pick<PluginDefinition, "kind" | "name" | "options">,
  options: Readonly<Record<string, unknown>>,
): unknown {
  const parsed = plugin.options.safeParse(options);
  if (!parsed.success) throw new PluginOptionsError(plugin, parsed.error.issues);
  return parsed.data;
}
