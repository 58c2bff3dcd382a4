import { afterAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Gateway, startGateway, until } from "./support/gateway.ts";

const guide = readFileSync(resolve(import.meta.dir, "../../docs/guides/plugins.md"), "utf8");
/** The guide's own examples are what is tested: they must work as they stand. */
const [strategy, provider] = [...guide.matchAll(/```ts\n(import[\s\S]*?export default[\s\S]*?)```/g)].map((
  match,
) => match[1]!);

const started: Gateway[] = [];
const start = async (options: Parameters<typeof startGateway>[0]) => {
  const gateway = await startGateway(options);
  started.push(gateway);
  return gateway;
};
afterAll(async () => {
  for (const gateway of started) await gateway.stop();
});

const config = `
[plugins]
load = [{ path = "./quiet-first.ts" }, { path = "./parrot.ts" }]
[[providers]]
name = "bird"
kind = "parrot"
[[routes]]
name = "smart"
strategy = "quiet-first"
strategy_options = { limit = 20 }
targets = ["bird/grey", "bird/green"]
`;

async function ask(gateway: Gateway, text: string, stream = false): Promise<Response> {
  return await fetch(`${gateway.origin}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "smart", stream, messages: [{ role: "user", content: text }] }),
  });
}

test("a strategy and a provider in TypeScript load into the executable from an empty folder and serve", async () => {
  const gateway = await start({ config, files: { "quiet-first.ts": strategy!, "parrot.ts": provider! } });
  const answer = await ask(gateway, "hello there");
  expect(answer.headers.get("x-intellirouter-target")).toStartWith("bird/");
  expect((await answer.json() as { choices: { message: { content: string } }[] }).choices[0]!.message.content)
    .toBe("hello there");
  const stream = await (await ask(gateway, "one two", true)).text();
  expect(stream).toContain('"content":"one "');
  expect(stream).toEndWith("data: [DONE]\n\n");
});

test("a changed plugin, and the file it imports, are taken over by a reload", async () => {
  const changeable = provider!.replace(/const content = [^;]*;/, "const content = voice;").replace(
    "import { z }",
    'import { voice } from "./voice";\nimport { z }',
  );
  const gateway = await start({
    config: config.replace("./parrot.ts", "./changeable.ts"),
    files: {
      "quiet-first.ts": strategy!,
      "changeable.ts": changeable,
      "voice.ts": 'export const voice = "first";',
    },
  });
  const say = async () =>
    (await (await ask(gateway, "x")).json() as { choices: { message: { content: string } }[] }).choices[0]!
      .message.content;
  expect(await say()).toBe("first");
  writeFileSync(join(gateway.directory, "voice.ts"), 'export const voice = "second";');
  gateway.signal("SIGHUP");
  await until(async () => (await say()) === "second", "the new voice");
});

test("a plugin is handed the variables of the environment that it declares, and no others", async () => {
  const curious = provider!
    .replace('name: "parrot",', 'name: "parrot", variables: ["SHOP_REGION", "SHOP_UNSET"],')
    .replace("create: () =>", "create: (_options, host) =>")
    .replace(
      /const content = [^;]*;/,
      'const content = ["SHOP_REGION", "SHOP_UNSET", "SHOP_SECRET"].map((name) => host.variable(name) ?? "-").join(" ");',
    );
  const gateway = await start({
    config: config.replace("./parrot.ts", "./curious.ts"),
    env: { SHOP_REGION: " north ", SHOP_SECRET: "hush" },
    files: { "quiet-first.ts": strategy!, "curious.ts": curious },
  });
  const answer = await ask(gateway, "x");
  expect(await answer.json()).toMatchObject({ choices: [{ message: { content: "north - -" } }] });
});

for (
  const [name, files, extra, complaint] of [
    ["that throws", { "bad.ts": "throw new Error('no luck');" }, "", "no luck"],
    ["with a syntax error", { "bad.ts": "export default {" }, "", "bad.ts"],
    ["that is none", { "bad.ts": "export default 1;" }, "", "definePlugin"],
    ["of another version", { "bad.ts": "export default { apiVersion: 2 };" }, "", "apiVersion"],
    ["that does not exist", {}, "", "does not exist"],
    [
      "whose hash is not the pinned one",
      { "bad.ts": strategy! },
      `, sha256 = "${"0".repeat(64)}"`,
      "has changed",
    ],
  ] as const
) {
  test(`a plugin ${name} stops the start with a clear complaint`, async () => {
    const gateway = await startGateway({
      config: `[plugins]\nload = [{ path = "bad.ts"${extra} }]\n`,
      files,
      expectFailure: true,
    });
    expect(await gateway.exited).toBe(2);
    expect(gateway.stderr()).toContain(complaint);
  });
}

test("a plugin with the pinned hash loads", async () => {
  const sha256 = createHash("sha256").update(strategy!).digest("hex");
  const gateway = await start({
    config: `[plugins]\nload = [{ path = "s.ts", sha256 = "${sha256}" }]\n`,
    files: { "s.ts": strategy! },
  });
  expect((await fetch(`${gateway.origin}/livez`)).ok).toBe(true);
});

test("an option that the plugin does not know is refused with its place in the file", async () => {
  const gateway = await startGateway({
    config: config.replace("limit = 20", "limt = 20"),
    files: { "quiet-first.ts": strategy!, "parrot.ts": provider! },
    expectFailure: true,
  });
  expect(await gateway.exited).toBe(2);
  expect(gateway.stderr()).toMatch(/gateway\.toml:10:\d+: .*limt/);
});
