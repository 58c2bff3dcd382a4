/** The guide's own examples, run as they stand against the executable. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Gateway, startGateway } from "./support/gateway.ts";
import { Guide } from "./support/guide.ts";

const guide = new Guide("docs/guides/retrieval.md");
let gateway: Gateway;
const shell = (script: string) => guide.shell(gateway, script);

beforeAll(async () => {
  gateway = await startGateway({ config: guide.blocks("toml")[0]! });
});
afterAll(() => gateway.stop());

test("the first try, on the command line and in curl", async () => {
  const printed = await shell(guide.blocks("sh")[0]!);
  expect(printed).toMatch(/returns\.md +completed +1/);
  expect(printed).toContain("We ship to Norway on Fridays.");
  expect(printed).toContain('"title":"returns.md"');
}, 60_000);

test("the official client for Python", async () => {
  const printed = await guide.python(gateway, guide.blocks("python")[0]!);
  expect(printed.trim().split("\n")).toEqual([
    "completed notes.md",
    "file_search_call",
    "message",
    "notes.md",
  ]);
});

test("the official client for TypeScript", async () => {
  expect(await guide.typescript(gateway, guide.blocks("ts")[0]!)).toMatch(/^2026\.md \d/);
});

test("vectors anew, and removing", async () => {
  const printed = await shell(guide.blocks("sh")[1]!);
  expect(printed).toContain("3 files are ready, by local/mock-embedding");
  expect(printed).toContain("3 files are ready, by words alone");
  expect(await shell(guide.blocks("sh")[2]!)).toBe("removed 1 files\nremoved 2 files\n");
}, 60_000);
