import { Command, InvalidArgumentError, Option } from "commander";
import process from "node:process";
import { systemClock } from "../lib/clock.ts";
import { ShutdownCoordinator } from "../lib/shutdown-coordinator.ts";
import { runRouter } from "../roles/run-router.ts";
import { listenForSignals } from "../runtime/signals.ts";
import { LineWriter } from "../telemetry/line-writer.ts";
import { Logger } from "../telemetry/logger.ts";
import { type CommandContext, CommandFailure } from "./command-context.ts";
import { type GlobalOptions, load } from "./global-options.ts";
import { welcome } from "./welcome.ts";

interface RunOptions extends GlobalOptions {
  readonly host?: string;
  readonly port?: number;
  readonly role: readonly string[];
}

const roles = ["all", "router"] as const;

export function runCommand(context: CommandContext): Command {
  return new Command("run")
    .description("Serve.")
    .option("--host <address>", "address to listen on (default: 127.0.0.1; any other asks for an API key)")
    .option("--port <number>", "port to listen on (default: 8000; 0 lets the system choose)", parsePort)
    .addOption(
      new Option("--role <name>", "part to run; all of them are one process today").choices(roles).default([
        "all",
      ], "all").argParser(parseRole),
    )
    .addHelpText(
      "after",
      "\nSIGTERM and SIGINT end it gracefully, a second one at once; SIGHUP reloads the configuration, and so does a changed file.",
    )
    .action((options: RunOptions) => run(context, options));
}

async function run(context: CommandContext, options: RunOptions): Promise<void> {
  const flags = [
    ...(options.host === undefined ? [] : [{ path: ["server", "host"], value: options.host }]),
    ...(options.port === undefined ? [] : [{ path: ["server", "port"], value: options.port }]),
  ];
  const read = () => load(context, options, flags);
  const loaded = await read();
  const { logging, shutdown: limits } = loaded.settings;
  const pretty = logging.format === "pretty" || (logging.format === "auto" && context.stderrIsTerminal);
  const lines = new LineWriter(context.stderr, systemClock);
  const logger = new Logger({
    level: logging.level,
    format: pretty ? "pretty" : "json",
    colors: pretty && context.stderrIsTerminal && !context.environment.NO_COLOR && options.color !== false,
    write: lines.write,
    now: () => systemClock.now(),
  });
  const shutdown = new ShutdownCoordinator({
    clock: systemClock,
    drainDelayMs: limits.drain_delay_ms,
    graceMs: limits.grace_ms,
    onError: (name, error) => logger.error("a part did not close", { part: name, error }),
  });
  let reload = () => {};
  const stopListening = listenForSignals({
    stop: (signal) => {
      if (shutdown.announced.aborted) {
        lines.flush();
        // Nothing more is waited for, not even the parts that are closing.
        process.exit(1);
      }
      logger.info("stopping; once more ends it at once", { signal });
      lines.flush();
      void shutdown.shutdown();
    },
    reload: () => reload(),
  });
  try {
    const running = await runRouter({
      loaded,
      reload: read,
      builtins: context.plugins,
      environment: context.environment,
      dataDirectory: options.dataDir,
      cwd: context.cwd,
      logger,
      clock: systemClock,
      random: Math.random,
      version: context.version,
      shutdown,
    });
    reload = () => void running.reload();
    logger.info("listening", { host: running.host, port: running.port, file: loaded.file });
    await running.discovered;
    lines.flush();
    if (!shutdown.announced.aborted) {
      context.stdout(welcome(running, await running.keepAdminKey(), context.version));
    }
    const outcome = await shutdown.waitForCompletion();
    logger.info("stopped", { outcome });
    lines.flush();
    // What did not end in the grace would keep the process alive.
    if (outcome === "forced") process.exit(0);
    if (outcome === "failed") throw new CommandFailure(1);
  } finally {
    stopListening();
    if (!shutdown.announced.aborted) await shutdown.shutdown();
    lines.flush();
  }
}

function parsePort(value: string): number {
  const port = Number(value);
  if (!/^\d+$/.test(value) || port > 65_535) {
    throw new InvalidArgumentError("It must be a whole number from 0 to 65535.");
  }
  return port;
}

function parseRole(value: string): string[] {
  if (!(roles as readonly string[]).includes(value)) {
    throw new InvalidArgumentError(`It must be one of ${roles.join(", ")}; the other roles come later.`);
  }
  return [value];
}
