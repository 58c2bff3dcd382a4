/**
 * The architecture as data and the check that reads it. Kept apart from the test so that the test of the test can run it
 * over a planted violation.
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

export interface Violation {
  readonly file: string;
  readonly rule: string;
  readonly detail: string;
}

/** Modules that never import each other; they meet in `gateway/` and `roles/`. */
const modules = ["registry", "router", "persona", "chain", "memory", "rag", "auth", "telemetry"] as const;
const contracts = ["lib", "schema", "plugin/api"] as const;

/** What each folder of `src/` may import of ours, beside itself. Type-only imports count. */
export const layers: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  schema: ["lib"],
  "plugin/api": ["lib", "schema"],
  "plugin/testing": ["lib", "schema", "plugin/api"],
  runtime: ["lib"],
  "plugin/host": ["lib", "schema", "plugin/api", "runtime"],
  config: ["lib", "schema"],
  ...Object.fromEntries(modules.map((module) => [module, contracts])),
  gateway: [...contracts, ...modules],
  ipc: [...contracts, ...modules, "gateway"],
  http: [...contracts, ...modules, "gateway"],
  roles: ["*"],
  cli: ["*"],
  main: ["*"],
};

/** Folders that `roles` and `cli` must not reach up into. */
const above: Readonly<Record<string, readonly string[]>> = {
  roles: ["cli", "main"],
  cli: ["main"],
  main: [],
};

/** Packages that plugins may use beside `intellirouter/plugin`: those that package.json declares. */
const runtimeModules = /^node:/;

const mostCodeLines = 300;

/** Ingress dialects are allowed as words; every other vendor is a plugin's own business. */
const providerNames =
  /\b(groq|mistral|deepseek|xai|together|fireworks|openrouter|vllm|llama[-_ ]?cpp|lm[-_ ]?studio|ollama|gemini|bedrock|vertex|azure|cohere)\b/i;

/** Checks the tree below `root`; the result is empty when the house is in order. */
export function checkArchitecture(root: string): Violation[] {
  const violations: Violation[] = [];
  const files = [...listFiles(join(root, "src")), ...listFiles(join(root, "plugins"))].filter((file) =>
    file.endsWith(".ts")
  );
  const sources = files.filter((file) => !file.endsWith(".test.ts"));
  if (sources.length === 0) {
    violations.push({ file: root, rule: "count", detail: "no source files were found" });
  }
  const declared = declaredPackages(root, ["dependencies"]);
  const declaredForTests = declaredPackages(root, ["dependencies", "devDependencies"]);
  const graph = new Map<string, string[]>();

  for (const file of files) {
    const name = relative(root, file);
    const code = stripComments(readFileSync(file, "utf8"));
    const report = (rule: string, detail: string) => violations.push({ file: name, rule, detail });
    const imports = findImports(code);
    graph.set(name, []);
    for (const specifier of imports) {
      if (specifier.startsWith(".")) {
        const target = relative(root, resolve(dirname(file), specifier));
        if (!existsSync(join(root, target))) report("import", `${specifier} does not exist`);
        graph.get(name)!.push(target);
        checkLayer(name, target, report);
      } else if (specifier !== "bun:test" && !runtimeModules.test(specifier)) {
        const packageName = specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
        const allowed = file.endsWith(".test.ts") ? declaredForTests : declared;
        if (
          packageName === "intellirouter"
            ? name.startsWith("src/") && !file.endsWith(".test.ts")
            : !allowed.has(packageName)
        ) {
          report("package", `${specifier} is not declared in package.json`);
        }
      }
    }
    if (file.endsWith(".test.ts")) continue;
    checkContent(name, code, report);
  }
  for (const cycle of findCycles(graph)) {
    violations.push({ file: cycle[0]!, rule: "cycle", detail: cycle.join(" → ") });
  }
  return violations;
}

/** The layer that a file belongs to; undefined when its folder is not part of the design. */
function layerOf(name: string): string | undefined {
  if (name === "src/main.ts") return "main";
  if (name === "src/plugin/api.ts") return "plugin/api";
  if (name === "src/plugin/testing.ts") return "plugin/testing";
  const [, first = "", second = ""] = name.split("/");
  const layer = first === "plugin" ? `plugin/${second}` : first;
  return Object.hasOwn(layers, layer) ? layer : undefined;
}

function checkLayer(name: string, target: string, report: (rule: string, detail: string) => void): void {
  if (name.startsWith("plugins/")) {
    const own = name.split("/").slice(0, 2).join("/");
    const shares = target.startsWith(`${own}/`);
    const isList = name === "plugins/builtin.ts" && target.startsWith("plugins/");
    const isTest = name.endsWith(".test.ts") && target.startsWith("test/support/");
    if (!shares && !isList && !isTest) report("layer", `a plugin must not import ${target}`);
    return;
  }
  const from = layerOf(name);
  if (from === undefined) return report("folder", "this folder is not part of the design");
  if (name.endsWith(".test.ts") && target.startsWith("test/support/")) return;
  if (target.startsWith("plugins/")) {
    if (name !== "src/main.ts") report("layer", `only src/main.ts imports plugins (${target})`);
    return;
  }
  const to = layerOf(target);
  if (to === undefined) return report("layer", `${target} is outside of src/`);
  const allowed = layers[from]!;
  const ok = to === from || (allowed.includes("*") ? !above[from]!.includes(to) : allowed.includes(to));
  if (!ok) report("layer", `${from} must not import ${to} (${target})`);
}

function checkContent(name: string, code: string, report: (rule: string, detail: string) => void): void {
  const isPlugin = name.startsWith("plugins/");
  const lines = code.split("\n").filter((line) => line.trim() !== "").length;
  const isContract = name.startsWith("src/schema/") || name.startsWith("src/plugin/api/") ||
    name.endsWith(".gen.ts");
  if (lines > mostCodeLines && !isContract) {
    report("size", `${lines} lines of code, the limit is ${mostCodeLines}`);
  }

  const withoutText = stripStrings(code);
  const forbid = (rule: string, pattern: RegExp, allowed: boolean) => {
    const match = allowed ? null : withoutText.match(pattern);
    if (match !== null) report(rule, `names ${match[0]}`);
  };
  forbid("environment", /\bprocess\s*\.\s*env\b|\bimport\.meta\.env\b/, name.startsWith("src/config/"));
  forbid("console", /\bconsole\s*\./, name.startsWith("src/cli/"));
  forbid(
    "runtime",
    /(?<![.\w"'`])(?:Bun|Deno)\s*\.\s*\w|["'`]bun(?::\w+)?["'`]/,
    name.startsWith("src/runtime/"),
  );
  forbid("fetch", /(?<![.\w])fetch\s*\(/, name === "src/runtime/egress-fetch.ts");
  forbid(
    "any",
    /(?<=[:<,|&]\s*)\bany\b(?=[\s;,)\]>=|&]|$)|\bas any\b/m,
    name === "src/plugin/testing/test-functions.ts",
  );
  forbid("state", /^(?:export )?let \w/m, false);
  forbid(
    "state",
    /^(?:export )?const \w+(?::[^=\n]*)? = new (?:Map|WeakMap|Array|Uint\w+Array|LRUCache)\b(?:<[^\n(]*>)?\(\s*\)/m,
    false,
  );
  const provider = isPlugin ? null : code.match(providerNames);
  if (provider !== null) report("provider", `names the provider ${provider[0]}`);
}

/** Comments out, texts left: a URL's slashes are not a comment. */
export function stripComments(code: string): string {
  return code.replace(
    /("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)|\/\*[\s\S]*?\*\/|(?<![:\\/[])\/\/[^\n]*/g,
    (_match, text) => text ?? "",
  );
}

function stripStrings(code: string): string {
  return code.replace(
    /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g,
    (text) => /^["']bun(:\w+)?["']$/.test(text) ? text : '""',
  );
}

export function findImports(code: string): string[] {
  const pattern =
    /(?:^|[\s;])(?:import|export)\s+(?:type\s+)?(?:[\w*\s{},$]+?\s+from\s+)?["']([^"'\n]+)["']|\bimport\s*\(\s*["']([^"'\n]+)["']\s*\)/g;
  return [...code.matchAll(pattern)].map((match) => match[1] ?? match[2]!);
}

function findCycles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const cycles: string[][] = [];
  const state = new Map<string, "open" | "done">();
  const path: string[] = [];
  const visit = (node: string): void => {
    if (state.get(node) === "done") return;
    if (state.get(node) === "open") {
      cycles.push([...path.slice(path.indexOf(node)), node]);
      return;
    }
    state.set(node, "open");
    path.push(node);
    for (const next of graph.get(node) ?? []) visit(next);
    path.pop();
    state.set(node, "done");
  };
  for (const node of graph.keys()) visit(node);
  return cycles;
}

function declaredPackages(root: string, fields: readonly string[]): Set<string> {
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  return new Set(fields.flatMap((field) => Object.keys(manifest[field] ?? {})));
}

function listFiles(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory).flatMap((entry) => {
    const path = join(directory, entry);
    return statSync(path).isDirectory() ? listFiles(path) : [path];
  });
}
