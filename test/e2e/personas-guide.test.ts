/** The guide's own examples, run as they stand against the executable. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Gateway, startGateway } from "./support/gateway.ts";
import { Guide } from "./support/guide.ts";

const guide = new Guide("docs/guides/personas.md");
let gateway: Gateway;

beforeAll(async () => {
  gateway = await startGateway({ config: guide.blocks("toml")[0]! });
});
afterAll(() => gateway.stop());

test("the first try, in curl and on the command line", async () => {
  const printed = await guide.shell(gateway, guide.blocks("sh")[0]!);
  expect(printed).toContain('"object":"chat.completion"');
  expect(printed).toContain('as the persona "pirate"');
});

test("the first try, in Python", async () => {
  const printed = await guide.python(gateway, guide.blocks("python")[0]!);
  expect(printed.split("\n")[0]).toBe("Answer in one sentence.");
  expect(printed).not.toContain("You are a pirate. You talk");
});
