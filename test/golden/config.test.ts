/**
 * Configuration files and what becomes of them. Each case is a file: optional lines `#! VARIABLE=value` for the environment, a
 * TOML text, a line `----------`, and then the settings that differ from the defaults with any warnings, or the error.
 *
 * After a change on purpose, `UPDATE_GOLDEN=1 bun test test/golden` writes what comes out; read the difference before committing it.
 */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadSettings } from "../../src/config/load-settings.ts";
import { ConfigError } from "../../src/lib/config-error.ts";
import { type Settings, settingsSchema } from "../../src/schema/settings.ts";

const directory = join(import.meta.dir, "config");
const separator = "\n----------\n";
const files = readdirSync(directory).filter((name) => name.endsWith(".golden")).sort();
const defaults = settingsSchema.parse({});

test("there are enough cases", () => {
  expect(files.length).toBeGreaterThanOrEqual(25);
});

describe("configuration", () => {
  for (const name of files) {
    test(name.replace(/\.golden$/, "").replaceAll("-", " "), async () => {
      const path = join(directory, name);
      const [input = "", expected = ""] = readFileSync(path, "utf8").split(separator);
      const actual = await load(input);
      if (process.env.UPDATE_GOLDEN === "1") writeFileSync(path, `${input}${separator}${actual}`);
      else expect(actual).toBe(expected);
    });
  }
});

async function load(input: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "intellirouter-golden-"));
  try {
    writeFileSync(join(folder, "config.toml"), input);
    const environment = Object.fromEntries(
      [...input.matchAll(/^#! (\w+)=(.*)$/gm)].map((match) => [match[1]!, match[2]!]),
    );
    const { settings, warnings } = await loadSettings({ configPath: "config.toml", environment, cwd: folder });
    const lines = [JSON.stringify(difference(settings, defaults) ?? {}, null, 2), ...warnings.map((text) => `warning: ${text}`)];
    return `${lines.join("\n")}\n`;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return `${error.message.replaceAll(`${folder}/`, "")}\n`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The parts of a value that are not the default's; undefined when there are none. */
function difference(value: unknown, standard: unknown): unknown {
  if (Bun.deepEquals(value, standard)) return undefined;
  const isTable = (item: unknown): item is Settings => typeof item === "object" && item !== null && !Array.isArray(item);
  if (!isTable(value) || !isTable(standard)) return value;
  const parts = Object.entries(value).map(([key, inner]) => [key, difference(inner, (standard as Record<string, unknown>)[key])]);
  return Object.fromEntries(parts.filter(([, inner]) => inner !== undefined));
}
