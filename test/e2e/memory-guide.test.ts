/** The guide's own examples, run as they stand against the executable. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Gateway, startGateway, until } from "./support/gateway.ts";
import { Guide } from "./support/guide.ts";

const guide = new Guide("docs/guides/memory.md");
let gateway: Gateway;
const shell = (script: string) => guide.shell(gateway, script);

beforeAll(async () => {
  gateway = await startGateway({ config: `${guide.blocks("toml")[0]}learn_after_seconds = 0.1\n` });
});
afterAll(() => gateway.stop());

test("the first try, in curl", async () => {
  const printed = await shell(guide.blocks("sh")[0]!);
  expect(printed.match(/"object":"chat.completion"/g)).toHaveLength(2);
  expect(printed).toContain("support-42");
  expect(printed).toContain("What is my name?");
});

test("the first try, in Python", async () => {
  const printed = await guide.python(gateway, guide.blocks("python")[0]!);
  expect(printed.split("\n").filter((line) => /^(user|assistant) /.test(line))).toHaveLength(4);
});

test("the first try, in TypeScript", async () => {
  expect((await guide.typescript(gateway, guide.blocks("ts")[0]!)).trim()).not.toBe("");
  expect(await shell("intellirouter memory show from-typescript")).toContain("What is my name?");
});

test("forgetting and exporting", async () => {
  await until(
    async () => (await shell("intellirouter memory list --facts")).split("\n").length > 2,
    "a fact",
  );
  const printed = await shell(`${guide.blocks("sh")[1]!}\ncat ada.jsonl`);
  expect(printed).toContain("forgot 1 conversations");
  expect(printed).toContain('"object":"memory.item"');
  expect(await shell("intellirouter memory list --json --user ada")).toContain('"data":[]');
});
