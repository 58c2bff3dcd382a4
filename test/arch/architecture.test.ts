import { describe, expect, test } from "bun:test";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { checkArchitecture } from "./rules.ts";

const root = resolve(import.meta.dir, "../..");

test("the house is in order", () => {
  expect(checkArchitecture(root)).toEqual([]);
});

test("no folder of the repository is unknown", () => {
  const known = new Set([
    "src",
    "plugins",
    "test",
    "bench",
    "deployment",
    "helm",
    "examples",
    "sdk",
    "docs",
    "scripts",
    "dashboard",
    "node_modules",
    "dist",
    "data",
    "config",
  ]);
  const folders = readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
    .map((entry) => entry.name);
  expect(folders.filter((name) => !known.has(name))).toEqual([]);
});

describe("a planted violation is found", () => {
  const planted: readonly [rule: string, file: string, code: string][] = [
    [
      "layer",
      "src/lib/planted.ts",
      'import type { Settings } from "../schema/settings.ts";\nexport type X = Settings;',
    ],
    ["layer", "src/router/planted.ts", 'export { hashApiKey } from "../auth/api-key.ts";'],
    ["layer", "src/gateway/planted.ts", 'export type { Route } from "../http/route.ts";'],
    ["layer", "src/http/planted.ts", 'export { default } from "../../plugins/stores/memory.ts";'],
    ["layer", "plugins/stores/planted.ts", 'import "../../src/lib/clock.ts";'],
    ["folder", "src/helpers/planted.ts", 'import "../lib/clock.ts";'],
    ["package", "src/lib/planted.ts", 'import leftPad from "left-pad";\nexport const x = leftPad;'],
    ["environment", "src/http/planted.ts", "export const home = process.env.HOME;"],
    ["console", "src/http/planted.ts", 'export function f() { console.log("x"); }'],
    ["runtime", "src/http/planted.ts", "export const version = Bun.version;"],
    ["runtime", "plugins/stores/planted.ts", 'import { Database } from "bun:sqlite";\nexport { Database };'],
    ["fetch", "plugins/stores/planted.ts", 'export const f = () => fetch("http://x");'],
    ["any", "src/lib/planted.ts", "export function f(value: any) { return value; }"],
    ["state", "src/lib/planted.ts", "let counter = 0;\nexport const next = () => ++counter;"],
    [
      "state",
      "src/lib/planted.ts",
      "const cache = new Map<string, string>();\nexport const get = (key: string) => cache.get(key);",
    ],
    ["provider", "src/router/planted.ts", 'export const special = "groq";'],
    [
      "size",
      "src/lib/planted.ts",
      Array.from({ length: 301 }, (_, index) => `export const x${index} = 1;`).join("\n"),
    ],
    ["import", "src/lib/planted.ts", 'import "./missing.ts";'],
  ];

  for (const [rule, file, code] of planted) {
    test(`${rule}: ${code.split("\n")[0]!.slice(0, 70)}`, () => {
      const copy = copyOfTheHouse();
      mkdirSync(dirname(join(copy, file)), { recursive: true });
      writeFileSync(join(copy, file), code);
      const found = checkArchitecture(copy).filter((violation) => violation.file === file);
      rmSync(copy, { recursive: true });
      expect(found.map((violation) => violation.rule)).toContain(rule);
    });
  }

  test("cycle", () => {
    const copy = copyOfTheHouse();
    writeFileSync(
      join(copy, "src/lib/planted-a.ts"),
      'import type { B } from "./planted-b.ts";\nexport type A = B;',
    );
    writeFileSync(
      join(copy, "src/lib/planted-b.ts"),
      'import type { A } from "./planted-a.ts";\nexport type B = A;',
    );
    const rules = checkArchitecture(copy).map((violation) => violation.rule);
    rmSync(copy, { recursive: true });
    expect(rules).toContain("cycle");
  });

  test("a tree without sources", () => {
    const empty = mkdtempSync(join(tmpdir(), "intellirouter-arch-"));
    cpSync(join(root, "package.json"), join(empty, "package.json"));
    const rules = checkArchitecture(empty).map((violation) => violation.rule);
    rmSync(empty, { recursive: true });
    expect(rules).toEqual(["count"]);
  });
});

function copyOfTheHouse(): string {
  const copy = mkdtempSync(join(tmpdir(), "intellirouter-arch-"));
  for (const name of ["src", "plugins", "package.json"]) {
    cpSync(join(root, name), join(copy, name), { recursive: true });
  }
  return copy;
}
