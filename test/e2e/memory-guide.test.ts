/** The guide's own examples, run as they stand against the executable. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { executable, type Gateway, startGateway, until } from "./support/gateway.ts";

const root = resolve(import.meta.dir, "../..");
const guide = readFileSync(join(root, "docs/guides/memory.md"), "utf8");
const blocks = (language: string) =>
  [...guide.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, "g"))].map((match) => match[1]!);
let gateway: Gateway;

beforeAll(async () => {
  gateway = await startGateway({ config: `${blocks("toml")[0]}learn_after_seconds = 0.1\n` });
});
afterAll(() => gateway.stop());

async function run(command: string[]): Promise<string> {
  const child = Bun.spawn(command, {
    cwd: gateway.directory,
    env: { PATH: "/usr/bin:/bin", BASE_URL: `${gateway.origin}/v1`, HOME: gateway.directory },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(`${stdout}\n${stderr}`);
  return stdout;
}

function shell(script: string): Promise<string> {
  const flags = `--config gateway.toml --data-dir data`;
  const here = script.replaceAll("http://127.0.0.1:8000", gateway.origin);
  return run(["bash", "-euc", `intellirouter() { '${executable}' "$@" ${flags}; }\n${here}`]);
}

test("the first try, in curl", async () => {
  const printed = await shell(blocks("sh")[0]!);
  expect(printed.match(/"object":"chat.completion"/g)).toHaveLength(2);
  expect(printed).toContain("support-42");
  expect(printed).toContain("What is my name?");
});

test("the first try, in Python", async () => {
  const python = join(root, ".tools/python-clients/bin/python");
  const printed = await run([python, "-s", "-B", "-c", blocks("python")[0]!]);
  expect(printed.split("\n").filter((line) => /^(user|assistant) /.test(line))).toHaveLength(4);
});

test("the first try, in TypeScript", async () => {
  const file = join(root, "dist", "memory-guide-example.ts");
  writeFileSync(file, blocks("ts")[0]!);
  const printed = await run([process.execPath, file]);
  expect(printed.trim()).not.toBe("");
  expect(await shell("intellirouter memory show from-typescript")).toContain("What is my name?");
});

test("forgetting and exporting", async () => {
  await until(
    async () => (await shell("intellirouter memory list --facts")).split("\n").length > 2,
    "a fact",
  );
  const printed = await shell(`${blocks("sh")[1]!}\ncat ada.jsonl`);
  expect(printed).toContain("forgot 1 conversations");
  expect(printed).toContain('"object":"memory.item"');
  expect(await shell("intellirouter memory list --json --user ada")).toContain('"data":[]');
});
