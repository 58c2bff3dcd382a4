import process from "node:process";
import { readEnvironment } from "./config/environment.ts";
import { liftConcurrencyLimit } from "./runtime/replace-process.ts";

/** Put in by the build; a checkout has none. */
declare const BUILD_VERSION: string | undefined;

const environment = readEnvironment();
const commandArguments = process.argv.slice(2);
// Before anything else is loaded: what is loaded until then is loaded twice.
if (commandArguments[0] === "run") liftConcurrencyLimit(environment);
const { builtinPlugins } = await import("../plugins/builtin.ts");
const { runCommandLine } = await import("./cli/program.ts");

// A reader that has seen enough, such as `head`, is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));

process.exitCode = await runCommandLine({
  environment,
  plugins: builtinPlugins,
  cwd: process.cwd(),
  version: typeof BUILD_VERSION === "undefined" ? "0.1.0-dev" : BUILD_VERSION,
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
  stdoutIsTerminal: process.stdout.isTTY === true,
  stderrIsTerminal: process.stderr.isTTY === true,
  stdinIsTerminal: process.stdin.isTTY === true,
  readStdin: async () => {
    let text = "";
    for await (const chunk of process.stdin.setEncoding("utf8")) text += chunk;
    return text;
  },
}, commandArguments);

// All parts are closed by now; a connection that a backend still keeps would hold the process up for a while.
if (commandArguments[0] === "run") process.exit();
