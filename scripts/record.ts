/**
 * Records an exchange with a real backend as a wire fixture.
 *
 *   bun scripts/record.ts PLUGIN CASE REQUEST.json [OPTIONS.json]
 *
 * REQUEST.json is a chat completions request. The key comes from the environment variable that the plugin names for its discovery.
 * Writes `test/wire/PLUGIN/CASE.json`: what was asked, what was sent, what came back, and what a client would get of it. Secrets are
 * taken out of everything that is written; read the file before committing it all the same.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { builtinPlugins } from "../plugins/builtin.ts";
import type { PluginDefinition } from "../src/plugin/api/define-plugin.ts";
import { recordExchange } from "./record-exchange.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const [name, title, requestFile, optionsFile] = process.argv.slice(2);

function fail(message: string): never {
  process.stderr.write(`record: ${message}\n`);
  process.exit(2);
}

function readJson(path: string): Record<string, unknown> {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    fail(`${path} cannot be read as JSON: ${error instanceof Error ? error.message : error}`);
  }
}

if (name === undefined || title === undefined || requestFile === undefined) {
  fail("say PLUGIN CASE REQUEST.json, and perhaps OPTIONS.json");
}
if (!/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(title)) fail(`a case is named in kebab-case, not "${title}"`);
const plugin = builtinPlugins.find((one): one is PluginDefinition<"provider"> =>
  one.kind === "provider" && one.name === name
);
if (plugin === undefined) fail(`there is no provider "${name}"`);

const declared = plugin.discovery?.environment?.secrets ?? {};
const secrets = Object.fromEntries(
  Object.entries(declared).flatMap(([secret, variables]) => {
    const value = variables.map((variable) => process.env[variable]).find((text) => text);
    return value === undefined ? [] : [[secret, value]];
  }),
);
if (Object.keys(declared).length > 0 && Object.keys(secrets).length === 0) {
  fail(`no key: set ${Object.values(declared).flat().join(" or ")}`);
}

const fixture = await recordExchange({
  plugin,
  options: optionsFile === undefined ? {} : readJson(optionsFile),
  secrets,
  request: readJson(requestFile),
});
const path = join(root, "test/wire", name, `${title}.json`);
mkdirSync(dirname(path), { recursive: true });
writeFileSync(path, `${JSON.stringify(fixture, null, 1)}\n`);
process.stdout.write(`${path}\n`);
