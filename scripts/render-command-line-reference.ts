import type { Command } from "commander";
import { type CommandContext } from "../src/cli/command-context.ts";
import { createProgram } from "../src/cli/program.ts";

/** The reference page of the command line: the help of every command, as it is printed. */
export function renderCommandLineReference(): string {
  let help = "";
  const context: CommandContext = {
    environment: { NO_COLOR: "1" },
    plugins: [],
    cwd: "/",
    version: "0.0.0",
    stdout: (text) => help += text,
    stderr: () => {},
    stdoutIsTerminal: false,
    stderrIsTerminal: false,
    stdinIsTerminal: false,
    readStdin: () => Promise.resolve(""),
  };
  const program = createProgram(context);
  // The width of the terminal in which the page is made must not show.
  const sections = listCommands(program).map((command) => {
    command.configureOutput({ getOutHelpWidth: () => 100 });
    help = "";
    command.outputHelp();
    return `## \`${nameOf(command)}\`\n\n\`\`\`text\n${help.trim()}\n\`\`\`\n`;
  });
  const introduction = [
    "# Command line",
    "",
    "<!-- Made by scripts/gen.ts from src/cli/; changes by hand are overwritten. -->",
    "",
    "Data goes to standard output, everything else to standard error. Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.",
    "Secrets are never given as arguments, where other users could see them.",
    "",
    "",
  ].join("\n");
  return introduction + sections.join("\n");
}

function listCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(listCommands)];
}

function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;
}
