/** The guide's own examples, run as they stand against the executable. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Gateway, startGateway } from "./support/gateway.ts";
import { Guide } from "./support/guide.ts";

const guide = new Guide("docs/guides/chains.md");
let gateway: Gateway;

beforeAll(async () => {
  gateway = await startGateway({ config: guide.blocks("toml")[0]! });
});
afterAll(() => gateway.stop());

test("the first try, in curl and on the command line", async () => {
  const printed = await guide.shell(gateway, guide.blocks("sh")[0]!);
  expect(printed).toContain('"object":"chat.completion"');
  expect(printed).toContain("chain/better_answer  Drafts, criticises, writes.");
  expect(printed).toContain("  critique: fast\n");
  expect(printed).toContain('"object":"chain.run"');
});

test("the first try, in Python", async () => {
  const printed = await guide.python(gateway, guide.blocks("python")[0]!);
  const progress = printed.split("\n").filter((line) => line.startsWith("progress: step_finished"));
  expect(progress.map((line) => line.split(" ")[2])).toEqual(["draft", "critique", "answer"]);
  expect(printed).toContain("text: ");
});

test("the examples in the executable", async () => {
  const printed = await guide.shell(gateway, guide.blocks("sh")[1]!);
  expect(printed).toContain("draft-critique-revise\n");
  expect(printed).toContain("[chains.draft_critique_revise]");
  expect(printed).toContain("1 chain: ok\n");
});

test("a chain that is code", async () => {
  const coded = await startGateway({
    config: `[[providers]]\nname = "local"\nkind = "mock"\n${
      ["a/one", "b/two", "c/three"].map((id) => `[[models]]\nid = "${id}"\ntarget = "local/mock-llama"\n`)
        .join("")
    }${guide.blocks("toml")[1]!}`,
    files: { "two-voices.ts": guide.blocks("ts")[0]! },
  });
  try {
    expect(await guide.shell(coded, `intellirouter chains run two_voices hello --url ${coded.origin}`)).not
      .toBe("");
  } finally {
    await coded.stop();
  }
});
