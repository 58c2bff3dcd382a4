/**
 * Writes the reference pages that are made from the code.
 *   bun scripts/gen.ts            writes them
 *   bun scripts/gen.ts --check    fails when a page in the repository is not what would be written
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { settingsJsonSchema } from "../src/cli/config.ts";
import { openApiDocument } from "../src/http/openapi-document.ts";
import { routeTable } from "../src/http/routes.ts";
import { metricTable } from "../src/schema/metrics.ts";
import { settingsSchema } from "../src/schema/settings.ts";
import { renderChainExamples } from "./render-chain-examples.ts";
import { renderCommandLineReference } from "./render-command-line-reference.ts";
import { renderFidelityReference } from "./render-fidelity-reference.ts";
import { renderConfigurationReference } from "./render-configuration-reference.ts";
import { renderMetricsReference } from "./render-metrics-reference.ts";

interface GeneratedFile {
  /** From the root of the repository. */
  readonly path: string;
  render(): string | Promise<string>;
}

const root = fileURLToPath(new URL("..", import.meta.url));

const files: readonly GeneratedFile[] = [
  { path: "docs/reference/configuration.md", render: () => renderConfigurationReference(settingsSchema) },
  {
    path: "docs/reference/configuration.schema.json",
    render: () => toJson(settingsJsonSchema()),
  },
  { path: "docs/reference/fidelity.md", render: renderFidelityReference },
  { path: "docs/reference/metrics.md", render: () => renderMetricsReference(metricTable) },
  { path: "src/cli/chain-examples.ts", render: renderChainExamples },
  { path: "docs/reference/cli.md", render: renderCommandLineReference },
  {
    path: "docs/reference/openapi.json",
    render: () => toJson(openApiDocument(routeTable(), packageVersion())),
  },
];

function toJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function packageVersion(): string {
  return JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

const check = process.argv.includes("--check");
const stale: string[] = [];
for (const { path, render } of files) {
  const text = await render();
  const target = join(root, path);
  if (readIfThere(target) === text) continue;
  stale.push(path);
  if (check) continue;
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, text);
}

if (check && stale.length > 0) {
  process.stderr.write(`Out of date: ${stale.join(", ")}. Run: bun scripts/gen.ts\n`);
  process.exitCode = 1;
} else {
  process.stderr.write(
    stale.length === 0 ? "Every generated file is up to date.\n" : `Written: ${stale.join(", ")}\n`,
  );
}
