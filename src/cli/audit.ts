import { existsSync } from "node:fs";
import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { openDataDirectory } from "../config/data-directory.ts";
import { systemClock } from "../lib/clock.ts";
import { openAuditLog } from "../roles/open-telemetry.ts";
import type { AuditHead } from "../telemetry/audit/audit-chain.ts";
import type { AuditLog } from "../telemetry/audit/audit-log.ts";
import { type CommandContext, CommandFailure } from "./command-context.ts";
import { type GlobalOptions, withJson } from "./global-options.ts";
import { table } from "./table.ts";

interface ListOptions extends GlobalOptions {
  readonly limit: number;
  readonly before?: number;
  readonly actor?: string;
  readonly action?: string;
}

interface VerifyOptions extends GlobalOptions {
  readonly head?: AuditHead;
}

export function auditCommand(context: CommandContext): Command {
  const audit = new Command("audit").description("The log of every administrative act.");
  audit.addCommand(listCommand(context));
  audit.addCommand(verifyCommand(context));
  return audit;
}

function listCommand(context: CommandContext): Command {
  return withJson(new Command("list").description("Print entries, newest first."))
    .option("--limit <number>", "most entries to print", positive, 100)
    .option("--before <sequence>", "only entries before this one", positive)
    .option("--actor <id>", "only acts of this key")
    .option("--action <name>", "only acts of this kind, such as key.create")
    .action((options: ListOptions) => {
      const entries = withLog(context, options, (log) => log.list(options));
      if (options.json) {
        context.stdout(`${JSON.stringify({ object: "list", data: entries })}\n`);
        return;
      }
      context.stdout(table(
        ["NUMBER", "TIME", "ACTOR", "ACTION", "RESOURCE", "OUTCOME", "DETAILS"],
        entries.map(({ sequence, time, actor, action, resource, outcome, details }) => [
          String(sequence),
          time,
          actor,
          action,
          resource,
          outcome,
          JSON.stringify(details),
        ]),
      ));
    });
}

function verifyCommand(context: CommandContext): Command {
  return withJson(
    new Command("verify").description(
      "Check that no entry was changed, taken out or cut off.",
    ),
  )
    .option(
      "--head <number:hash>",
      "a head of the log that was noted elsewhere, such as from an exporter; the log must lead to it",
      parseHead,
    )
    .addHelpText("after", "\nExits 0 when the log is whole and 1 when it is not.")
    .action((options: VerifyOptions) => {
      const verdict = withLog(context, options, (log) => log.verify(options.head));
      if (options.json) context.stdout(`${JSON.stringify(verdict)}\n`);
      else if (verdict.ok) {
        const { entries, head } = verdict;
        context.stdout(
          `the audit log is whole: ${entries} ${
            entries === 1 ? "entry" : "entries"
          }, head ${head.count}:${head.hash}\n`,
        );
      }
      if (!verdict.ok) {
        const text = `the audit log is not whole:\n${verdict.problems.map((one) => `  ${one}`).join("\n")}`;
        throw new CommandFailure(1, options.json ? "" : text);
      }
    });
}

function withLog<Value>(
  context: CommandContext,
  options: GlobalOptions,
  work: (log: AuditLog) => Value,
): Value {
  const { path } = openDataDirectory(options.dataDir, context.environment, context.cwd);
  // To look for a log must not make one.
  if (path === undefined || !existsSync(join(path, "audit.sqlite"))) {
    throw new CommandFailure(
      1,
      `there is no audit log in ${path ?? "memory"}: name the folder with --data-dir.`,
    );
  }
  const log = openAuditLog(path, systemClock);
  try {
    return work(log);
  } finally {
    log.close();
  }
}

function positive(value: string): number {
  if (!/^[1-9]\d{0,8}$/.test(value)) throw new InvalidArgumentError("It must be a whole number above 0.");
  return Number(value);
}

function parseHead(value: string): AuditHead {
  const [, count, hash] = value.match(/^(\d{1,15}):([0-9a-f]{64})$/) ?? [];
  if (count === undefined) {
    throw new InvalidArgumentError("It has the form number:hash, as verify prints it.");
  }
  return { count: Number(count), hash: hash! };
}
