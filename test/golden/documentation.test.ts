import { expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { builtinPlugins } from "../../plugins/builtin.ts";
import { loadSettings } from "../../src/config/load-settings.ts";
import { validateSettings } from "../../src/roles/validate-settings.ts";

const root = resolve(import.meta.dir, "../..");
const pages = ["README.md", "docs", "docs/guides", "docs/decisions"].flatMap((place) =>
  place.endsWith(".md") ? [place] : readdirSync(join(root, place)).filter((name) => name.endsWith(".md")).map((name) => join(place, name))
);

for (const page of pages) {
  const text = readFileSync(join(root, page), "utf8");
  const blocks = [...text.matchAll(/```toml\n([\s\S]*?)```/g)].map((match) => match[1]!).filter((block) => !block.includes("…"));
  const plugins = [...text.matchAll(/```ts\n([\s\S]*?)```/g)].flatMap(([, code = ""]) => {
    const name = /definePlugin\([^]*?name: "([\w-]+)"/.exec(code)?.[1];
    return name === undefined ? [] : [[name, code] as const];
  });
  for (const [index, block] of blocks.entries()) {
    test(`${page}: configuration ${index + 1} is accepted as it stands`, async () => {
      // Plugins of the guide exist only there; their own end-to-end test loads them.
      if (block.includes("quiet-first")) return expect(page).toBe("docs/guides/plugins.md");
      const directory = mkdtempSync(join(tmpdir(), "intellirouter-docs-"));
      writeFileSync(join(directory, "config.toml"), block);
      for (const [name, plugin] of plugins) writeFileSync(join(directory, `${name}.ts`), plugin, { mode: 0o600 });
      // Every variable that the example names is set.
      const keys = [...block.matchAll(/env = "(\w+)"/g)].map((match) => match[1]!);
      const environment = Object.fromEntries(keys.map((name) => [name, "sk-documentation"]));
      const loaded = await loadSettings({ configPath: "config.toml", environment, cwd: directory });
      const report = await validateSettings(loaded, builtinPlugins, environment);
      rmSync(directory, { recursive: true });
      expect(report.warnings).toEqual([]);
    });
  }

  test(`${page}: every link to a file leads somewhere`, () => {
    const links = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map((match) => match[1]!).filter((link) => !link.includes(":"));
    expect(links.filter((link) => !existsSync(resolve(root, dirname(page), link)))).toEqual([]);
  });
}
