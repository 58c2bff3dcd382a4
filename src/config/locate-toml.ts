import type { AST } from "toml-eslint-parser";
import type { Position, SettingPath } from "../lib/config-error.ts";

/**
 * Finds where a setting stands in a TOML text. Only used once something is wrong: the parser that reads good files is
 * faster and keeps no positions; this one is loaded only then.
 *
 * @returns the place of the key, or of the nearest thing above it that is written down.
 */
export async function locateToml(text: string, file: string, path: SettingPath): Promise<Position> {
  const { parseTOML } = await import("toml-eslint-parser");
  const document = parseTOML(text).body[0];
  const entries = collect(document);
  for (let length = path.length; length > 0; length--) {
    const wanted = JSON.stringify(path.slice(0, length));
    const found = entries.find((entry) => JSON.stringify(entry.path) === wanted);
    if (found !== undefined) return { file, line: found.line, column: found.column + 1 };
  }
  return { file, line: 1, column: 1 };
}

interface Entry {
  readonly path: SettingPath;
  readonly line: number;
  /** From 0. */
  readonly column: number;
}

function collect(document: AST.TOMLTopLevelTable): Entry[] {
  const entries: Entry[] = [];
  for (const node of document.body) {
    if (node.type === "TOMLKeyValue") keyValue(node, [], entries);
    else table(node, entries);
  }
  return entries;
}

function table(node: AST.TOMLTable, entries: Entry[]): void {
  node.resolvedKey.forEach((_key, index) => {
    const path = node.resolvedKey.slice(0, index + 1);
    entries.push({ path, line: node.loc.start.line, column: node.loc.start.column });
  });
  for (const pair of node.body) keyValue(pair, node.resolvedKey, entries);
}

function keyValue(node: AST.TOMLKeyValue, prefix: SettingPath, entries: Entry[]): void {
  let path = prefix;
  for (const key of node.key.keys) {
    path = [...path, key.type === "TOMLBare" ? key.name : key.value];
    entries.push({ path, line: key.loc.start.line, column: key.loc.start.column });
  }
  value(node.value, path, entries);
}

function value(node: AST.TOMLContentNode, path: SettingPath, entries: Entry[]): void {
  if (node.type === "TOMLInlineTable") { for (const pair of node.body) keyValue(pair, path, entries); }
  if (node.type !== "TOMLArray") return;
  node.elements.forEach((element, index) => {
    const itemPath = [...path, index];
    entries.push({ path: itemPath, line: element.loc.start.line, column: element.loc.start.column });
    value(element, itemPath, entries);
  });
}
