/** Guides whose examples are run as they stand. */
import { readFileSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { executable, type Gateway } from "./gateway.ts";

const root = resolve(import.meta.dir, "../../..");

/** The examples of one guide. */
export class Guide {
  readonly #text: string;
  readonly #name: string;

  /** @param path from the root of the repository. */
  constructor(path: string) {
    this.#text = readFileSync(join(root, path), "utf8");
    this.#name = basename(path, ".md");
  }

  /** All blocks of a language, in order. */
  blocks(language: string): string[] {
    return [...this.#text.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, "g"))].map((match) =>
      match[1]!
    );
  }

  /** Runs a block of `sh`, whose `intellirouter` is the executable with the gateway's configuration. Gives what it has printed. */
  shell(gateway: Gateway, script: string): Promise<string> {
    const flags = `--config gateway.toml --data-dir data`;
    const here = script.replaceAll("http://127.0.0.1:8000", gateway.origin);
    return run(gateway, ["bash", "-euc", `intellirouter() { '${executable}' "$@" ${flags}; }\n${here}`]);
  }

  python(gateway: Gateway, script: string): Promise<string> {
    return run(gateway, [join(root, ".tools/python-clients/bin/python"), "-s", "-B", "-c", script]);
  }

  typescript(gateway: Gateway, script: string): Promise<string> {
    const file = join(root, "dist", `${this.#name}-guide-example.ts`);
    writeFileSync(file, script);
    return run(gateway, [process.execPath, file]);
  }
}

/** @throws {Error} with all that it printed, when it fails. */
async function run(gateway: Gateway, command: string[]): Promise<string> {
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
