import { Command, CommanderError } from "commander";
import { ConfigError } from "../lib/config-error.ts";
import { auditCommand } from "./audit.ts";
import { chainsCommand } from "./chains.ts";
import { checkCommand } from "./check.ts";
import { type CommandContext, CommandFailure } from "./command-context.ts";
import { completionCommand } from "./completion.ts";
import { configCommand } from "./config.ts";
import { explainCommand } from "./explain.ts";
import { withGlobalOptions } from "./global-options.ts";
import { groupCommand } from "./groups.ts";
import { healthCommand } from "./health.ts";
import { keysCommand } from "./keys.ts";
import { memoryCommand } from "./memory.ts";
import { modelsCommand } from "./models.ts";
import { ragCommand } from "./rag.ts";
import { runCommand } from "./run.ts";
import { usageCommand } from "./usage.ts";
import { versionCommand } from "./version.ts";

/** Exit codes: done; failed; wrong usage or configuration. */
export const exitCodes = { ok: 0, failure: 1, usage: 2 } as const;

/** The whole command line. */
export function createProgram(context: CommandContext): Command {
  const program = new Command("intellirouter")
    .description("One endpoint for every language model.")
    .version(context.version, "-V, --version", "print the version")
    .helpCommand("help [command]", "print the help of a command")
    .showHelpAfterError("(--help tells more)")
    .addHelpText(
      "after",
      "\nStart with:  intellirouter run\nExit codes:  0 done, 1 failed, 2 wrong usage or configuration",
    );
  const commands = [
    runCommand,
    checkCommand,
    configCommand,
    modelsCommand,
    explainCommand,
    keysCommand,
    groupCommand("team"),
    groupCommand("organisation"),
    usageCommand,
    auditCommand,
    chainsCommand,
    memoryCommand,
    ragCommand,
    healthCommand,
    versionCommand,
    completionCommand,
  ];
  for (const create of commands) program.addCommand(create(context));
  configure(program, context);
  return program;
}

function configure(command: Command, context: CommandContext): void {
  command.exitOverride().configureOutput({
    writeOut: context.stdout,
    writeErr: context.stderr,
    getOutHasColors: () => context.stdoutIsTerminal && !context.environment.NO_COLOR,
    getErrHasColors: () => context.stderrIsTerminal && !context.environment.NO_COLOR,
  });
  if (command.parent !== null && command.commands.length === 0) withGlobalOptions(command);
  for (const child of command.commands) configure(child, context);
}

/** Runs a command line and returns the exit code. Never throws. */
export async function runCommandLine(
  context: CommandContext,
  commandArguments: readonly string[],
): Promise<number> {
  const program = createProgram(context);
  try {
    if (commandArguments.length === 0) {
      program.outputHelp();
      return exitCodes.ok;
    }
    await program.parseAsync([...commandArguments], { from: "user" });
    return exitCodes.ok;
  } catch (error) {
    return explainFailure(error, context);
  }
}

function explainFailure(error: unknown, context: CommandContext): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  if (error instanceof CommandFailure) {
    if (error.message !== "") context.stderr(`intellirouter: ${error.message}\n`);
    return error.exitCode;
  }
  if (error instanceof ConfigError) {
    context.stderr(`${error.message}\n`);
    return exitCodes.usage;
  }
  context.stderr(`intellirouter: ${error instanceof Error ? error.message : String(error)}\n`);
  return exitCodes.failure;
}
