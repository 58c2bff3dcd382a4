import type { CommandContext } from "../../src/cli/command-context.ts";
import { runCommandLine } from "../../src/cli/program.ts";
import { builtinPlugins } from "../../plugins/builtin.ts";

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line inside of this process, in an empty environment unless one is given. */
export async function commandLine(
  words: readonly string[],
  { stdin = "", ...overrides }: Partial<CommandContext> & { readonly stdin?: string } = {},
): Promise<CommandResult> {
  let stdout = "";
  let stderr = "";
  const code = await runCommandLine({
    environment: {},
    plugins: builtinPlugins,
    cwd: "/nowhere",
    version: "1.2.3",
    stdout: (text) => stdout += text,
    stderr: (text) => stderr += text,
    stdoutIsTerminal: false,
    stderrIsTerminal: false,
    stdinIsTerminal: false,
    readStdin: () => Promise.resolve(stdin),
    ...overrides,
  }, words);
  return { code, stdout, stderr };
}
