import { Command, Option } from "commander";
import { toDollars } from "../lib/money.ts";
import { type UsageGroup, usageGroupSchema } from "../schema/usage.ts";
import { commandDataDirectory } from "../roles/command-accounts.ts";
import { openUsageDatabase } from "../roles/open-usage-ledger.ts";
import { exportUsage, type UsageFormat } from "../telemetry/ledger/export-usage.ts";
import type { UsageDatabase, UsageFilter } from "../telemetry/ledger/usage-database.ts";
import { type CommandContext, CommandFailure } from "./command-context.ts";
import { durationMs } from "./field-options.ts";
import { type GlobalOptions, withJson } from "./global-options.ts";
import { table } from "./table.ts";

type FilterOptions = GlobalOptions & Readonly<Record<string, string | undefined>>;

/** `intellirouter usage`: the books in the data directory. They are at most a second behind a gateway that runs. */
export function usageCommand(context: CommandContext): Command {
  return new Command("usage").description(
    "What was used and what it cost, from the books in the data directory.",
  )
    .addCommand(report(context))
    .addCommand(exporting(context))
    .addCommand(reconcile(context));
}

function withFilter(command: Command): Command {
  return command
    .option("--since <time>", "only requests from then on: an ISO 8601 time, or 24h, 30d ago")
    .option("--until <time>", "only requests before then")
    .option("--key <id>", "only requests of this key")
    .option("--team <id>", "only requests of this team")
    .option("--organisation <id>", "only requests of this organisation")
    .option("--user <id>", "only requests for this end user")
    .option("--model <name>", "only requests that asked for this name")
    .option("--target <provider/model>", "only requests that this target served")
    .option("--outcome <outcome>", "only requests that ended so: ok, error, cancelled, truncated, lost");
}

function report(context: CommandContext): Command {
  return withJson(withFilter(new Command("report").description("Sum up requests, tokens and costs.")))
    .option(
      "--by <groups>",
      `what to sum up by, separated by commas: ${usageGroupSchema.options.join(", ")}`,
      "model",
    )
    .action((options: FilterOptions & { by: string }) =>
      withUsage(context, options, (database) => {
        const groups = groupsOf(options.by);
        const sums = database.sums(filterOf(options), groups);
        if (options.json) {
          context.stdout(`${JSON.stringify({ object: "list", data: sums })}\n`);
          return;
        }
        if (sums.length === 0) {
          context.stderr("There were no such requests.\n");
          return;
        }
        const header = [
          ...groups.map((group) => group.toUpperCase()),
          "REQUESTS",
          "ERRORS",
          "INPUT",
          "CACHED",
          "OUTPUT",
          "USD",
          "",
        ];
        const rows = sums.map((sum) => [
          ...groups.map((group) => sum.group[group] ?? "-"),
          ...[sum.requests, sum.errors, sum.input_tokens, sum.cached_tokens, sum.output_tokens].map(String),
          sum.cost_usd.toFixed(6),
          sum.unpriced > 0 ? `${sum.unpriced} of unknown price` : "",
        ]);
        context.stdout(table(header, rows));
      })
    );
}

function exporting(context: CommandContext): Command {
  return withFilter(new Command("export").description("Write every request's row to standard output."))
    .addOption(new Option("--format <format>", "how").choices(["csv", "jsonl"]).default("jsonl"))
    .addOption(
      new Option("--rows <kind>", "a row for each request, or for each call of a backend")
        .choices(["requests", "attempts"]).default("requests"),
    )
    .action((options: FilterOptions & { format: UsageFormat; rows: "requests" | "attempts" }) =>
      withUsage(context, options, (database) => {
        for (const line of exportUsage(database.records(filterOf(options)), options.format, options.rows)) {
          context.stdout(line);
        }
      })
    );
}

function reconcile(context: CommandContext): Command {
  return withJson(
    new Command("reconcile").description(
      "Check the sums that budgets go by against the rows; exit code 1 if they differ.",
    ),
  ).action((options: GlobalOptions) =>
    withUsage(context, options, (database) => {
      const differences = database.reconcile();
      if (options.json) {
        context.stdout(`${JSON.stringify({ differences })}\n`);
      } else if (differences.length > 0) {
        const rows = differences.map(({ scope, period, recorded, summed }) => [
          scope,
          period,
          String(toDollars(recorded)),
          String(toDollars(summed)),
          String(toDollars(recorded - summed)),
        ]);
        context.stdout(table(["ACCOUNT", "PERIOD", "SUM", "ROWS", "DIFFERENCE"], rows));
      } else context.stdout("zero difference: every sum is that of its rows\n");
      if (differences.length > 0) throw new CommandFailure(1);
    })
  );
}

function withUsage(
  context: CommandContext,
  { dataDir }: GlobalOptions,
  work: (database: UsageDatabase) => void,
): void {
  const database = openUsageDatabase(commandDataDirectory(dataDir, context));
  try {
    work(database);
  } finally {
    database.close();
  }
}

function filterOf(
  { since, until, key, team, organisation, user, model, target, outcome }: FilterOptions,
): UsageFilter {
  return {
    since: timeOf(since),
    until: timeOf(until),
    key,
    team,
    organisation,
    user,
    model,
    target,
    outcome,
  };
}

/** @throws {CommandFailure} */
function timeOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ago = durationMs(text);
  const time = ago === undefined ? Date.parse(text) : Date.now() - ago;
  if (Number.isNaN(time)) {
    throw new CommandFailure(2, `"${text}" is no time: give an ISO 8601 one, or 24h, 30d`);
  }
  return time;
}

/** @throws {CommandFailure} */
function groupsOf(text: string): UsageGroup[] {
  return text.split(",").map((name) => name.trim()).filter((name) => name !== "").map((name) => {
    const parsed = usageGroupSchema.safeParse(name);
    if (parsed.success) return parsed.data;
    throw new CommandFailure(
      2,
      `cannot sum up by "${name}"; there is ${usageGroupSchema.options.join(", ")}`,
    );
  });
}
