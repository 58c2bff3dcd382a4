/** Clients of other languages: programs that print one line of JSON for each thing that they saw. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import process from "node:process";
import type { World } from "./world.ts";

const root = resolve(import.meta.dir, "../../..");

/** A program that does as its last argument says: `checks`, or `mutations` of the models that standard input lists. */
export interface ForeignClient {
  readonly name: string;
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** What must be there, and what to do when it is not. */
  readonly needs: readonly (readonly [path: string, advice: string])[];
}

const python = resolve(root, ".tools/python-clients/bin/python");
const pythonAdvice =
  "install Python 3.10 or newer with venv and pip (Debian: apt-get install python3-venv) and run scripts/test.sh clients";

function pythonClient(name: string, script: string): ForeignClient {
  return {
    name,
    command: [python, "-s", "-B", resolve(root, "test/clients/python", script)],
    needs: [[python, pythonAdvice]],
  };
}

export const pythonOpenAi = pythonClient("openai for Python", "openai_client.py");
export const pythonAnthropic = pythonClient("anthropic for Python", "anthropic_client.py");

const rust = resolve(root, ".tools/rust-clients/debug/intellirouter-rust-clients");

export const rustAsyncOpenAi: ForeignClient = {
  name: "async-openai for Rust",
  command: [rust],
  needs: [[
    rust,
    "install Rust 1.85 or newer (https://rustup.rs) and run scripts/test.sh clients, which builds it",
  ]],
};

/** For a whole series of one client, on a machine that has other things to do as well. */
export const foreignClientMs = 240_000;

/** @returns every line that it printed. */
export async function runForeignClient<Line>(
  { name, command, needs }: ForeignClient,
  world: World,
  mode: "checks" | "mutations",
  input: unknown = null,
): Promise<Line[]> {
  for (const [path, advice] of needs) {
    if (!existsSync(path)) throw new Error(`${name} is not installed (${path} is missing): ${advice}`);
  }
  const child = Bun.spawn([...command, mode], {
    stdin: new Blob([JSON.stringify(input)]),
    stdout: "pipe",
    stderr: "pipe",
    env: {
      PATH: process.env.PATH ?? "",
      GATEWAY_ORIGIN: world.gateway.origin,
      GATEWAY_KEY: world.key,
      BACKEND_URL: world.upstream.url,
    },
  });
  const [output, complaints, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(`${name} ended with code ${code}:\n${complaints}`);
  return output.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as Line);
}
