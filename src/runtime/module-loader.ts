import { pathToFileURL } from "node:url";
import { bunApi } from "./bun-api.ts";
import type { BunModuleGraph } from "./bun-api.ts";

/** One loading of a module and its own helpers; a changed file is read anew by the next generation. */
export interface ModuleGeneration {
  readonly exports: Readonly<Record<string, unknown>>;
  /** Runs plugin code so that its stray errors and timers belong to this generation. */
  run<T>(work: () => T): T;
  /** Ends the generation's timers and lets its memory go. */
  dispose(): void;
}

/**
 * Makes the gateway's own modules importable by name for plugins on disk. A compiled executable has no `node_modules`,
 * and the plugin must get the very same `zod` that the gateway uses.
 *
 * On Deno the import map of `deno.json` does this.
 */
export function provideModules(modules: Readonly<Record<string, Record<string, unknown>>>): void {
  bunApi()?.plugin({
    name: "intellirouter",
    setup(build) {
      for (const [name, exports] of Object.entries(modules)) {
        build.module(name, () => ({ exports: { ...exports }, loader: "object" }));
      }
    },
  });
}

/**
 * Imports a `.ts`, `.js` or `.mjs` file from disk, also from the compiled executable.
 *
 * Bun's module graphs read every file of a plugin anew and free the old ones (`import(path + "?v=2")` keeps stale
 * helpers and leaks); where there are none, a query makes at least the entry file fresh.
 *
 * @param onError gets errors that plugin code throws outside of any call, in timers say.
 */
export async function loadModule(path: string, onError: (error: unknown) => void): Promise<ModuleGeneration> {
  const Graph = bunApi()?.ModuleGraph;
  if (Graph === undefined) {
    const exports = await import(`${pathToFileURL(path).href}?v=${crypto.randomUUID()}`);
    return { exports, run: (work) => work(), dispose: () => {} };
  }
  const graph: BunModuleGraph = new Graph({ onError });
  try {
    const exports = await graph.import(path);
    return { exports, run: (work) => graph.run(work), dispose: () => graph.dispose() };
  } catch (error) {
    graph.dispose();
    throw error;
  }
}
