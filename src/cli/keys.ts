import { Command, InvalidArgumentError } from "commander";
import { longestGraceMs, type NewKey } from "../auth/accounts/account-manager.ts";
import { viewKey, viewKeys } from "../auth/accounts/account-views.ts";
import { commandLine } from "../auth/accounts/rights.ts";
import { systemClock } from "../lib/clock.ts";
import { keyChangesSchema, keyFieldsSchema, type KeyView } from "../schema/account.ts";
import { type CommandContext, CommandFailure } from "./command-context.ts";
import { collect, durationMs, readFieldOptions } from "./field-options.ts";
import { type GlobalOptions, withJson } from "./global-options.ts";
import { table } from "./table.ts";
import { parseFields, withAccounts } from "./with-accounts.ts";

const day = 24 * 60 * 60 * 1000;

/** `intellirouter keys`: the keys in the data directory. A gateway that runs on it takes a change over within a second. */
export function keysCommand(context: CommandContext): Command {
  return new Command("keys").description(
    "Make, list and end API keys. A running gateway follows within a second.",
  )
    .addCommand(create(context))
    .addCommand(list(context))
    .addCommand(show(context))
    .addCommand(update(context))
    .addCommand(rotate(context))
    .addCommand(revoke(context));
}

function withFields(command: Command): Command {
  return command
    .option("--name <text>", "for people")
    .option("--owner <text>", "who answers for it")
    .option("--team <id>", "the team it belongs to")
    .option("--tenant <id>", "whose data it works with; its own when absent")
    .option(
      "--role <name>",
      "what it may do (repeatable): admin, operator, developer, viewer, service",
      collect,
    )
    .option("--model <pattern>", "target it may use, such as cloud/* (repeatable)", collect)
    .option("--route <pattern>", "name it may ask for (repeatable)", collect)
    .option("--persona <name>", "the persona of its requests")
    .option("--guardrail <name>", "guardrail of its requests (repeatable)", collect)
    .option("--endpoint <pattern>", "path it may call, such as /v1/embeddings (repeatable)", collect)
    .option("--ip-range <range>", "address or range it may come from (repeatable)", collect)
    .option("--expires <time>", "when it ends: 30d, 12h, or an ISO 8601 time")
    .option("--metadata <name=value>", "a text of your own (repeatable)", collect)
    .option("--limit <name=number>", "such as requests_per_minute=60 (repeatable)", collect)
    .option(
      "--budget <name=value>",
      "such as monthly_usd=20, mode=soft, on_exhaust=reject (repeatable)",
      collect,
    );
}

function create(context: CommandContext): Command {
  return withJson(withFields(new Command("create").description("Make a key; it is shown this once.")))
    .action((options: GlobalOptions) =>
      withAccounts(context, options, async ({ manager }) => {
        const fields = parseFields(keyFieldsSchema, readFieldOptions(options));
        printNew(context, options, await manager.createKey(fields, commandLine));
      })
    );
}

function list(context: CommandContext): Command {
  return withJson(new Command("list").description("List every key, without the secrets."))
    .option("--all", "revoked ones as well")
    .action((options: GlobalOptions & { all?: boolean }) =>
      withAccounts(context, options, ({ book }) => {
        const keys = viewKeys(book, commandLine, systemClock.now())
          .filter(({ status }) => options.all || status !== "revoked");
        if (options.json) context.stdout(`${JSON.stringify({ object: "list", data: keys })}\n`);
        else if (keys.length === 0) {
          context.stderr("There are no keys. Make one: intellirouter keys create\n");
        } else {context.stdout(
            table(["ID", "NAME", "STATUS", "ROLES", "TEAM", "MODELS", "EXPIRES", "FROM"], keys.map(row)),
          );}
      })
    );
}

function show(context: CommandContext): Command {
  return new Command("show").description("Show a key as JSON, without its secret.").argument("<id>")
    .action((id: string, options: GlobalOptions) =>
      withAccounts(context, options, ({ book }) => {
        const key = viewKeys(book, commandLine, systemClock.now()).find((one) => one.id === id);
        if (key === undefined) throw new CommandFailure(1, `there is no key "${id}"`);
        context.stdout(`${JSON.stringify(key, null, 2)}\n`);
      })
    );
}

function update(context: CommandContext): Command {
  return withJson(withFields(new Command("update").description("Change a key.")))
    .argument("<id>")
    .option("--disable", "refuse it until it is enabled again")
    .option("--enable", "let it in again")
    .option("--clear <field>", "take an optional field away, such as expires_at (repeatable)", collect)
    .action((
      id: string,
      options: GlobalOptions & { disable?: boolean; enable?: boolean; clear?: string[] },
    ) =>
      withAccounts(context, options, async ({ manager }) => {
        const changes = {
          ...readFieldOptions(options),
          ...(options.disable ? { disabled: true } : options.enable ? { disabled: false } : {}),
          ...Object.fromEntries((options.clear ?? []).map((field) => [field, null])),
        };
        parseFields(keyChangesSchema, changes);
        print(
          context,
          options,
          viewKey(await manager.updateKey(id, changes, commandLine), systemClock.now()),
        );
      })
    );
}

function rotate(context: CommandContext): Command {
  return withJson(new Command("rotate").description("Give a key a new secret; it is shown this once."))
    .argument("<id>")
    .option("--grace <time>", "how long the old secret stays good beside it: 24h, 7d", grace, 0)
    .action((id: string, options: GlobalOptions & { grace: number }) =>
      withAccounts(context, options, async ({ manager }) => {
        printNew(context, options, await manager.rotateKey(id, options.grace, commandLine));
        if (options.grace === 0) {
          context.stderr("The old secret is refused from now on; --grace would have kept it.\n");
        }
      })
    );
}

function revoke(context: CommandContext): Command {
  return withJson(new Command("revoke").description("End a key for good.")).argument("<id>")
    .action((id: string, options: GlobalOptions) =>
      withAccounts(context, options, async ({ manager }) => {
        print(context, options, viewKey(await manager.revokeKey(id, commandLine), systemClock.now()));
      })
    );
}

/** @throws {InvalidArgumentError} */
function grace(text: string): number {
  const milliseconds = durationMs(text);
  if (milliseconds !== undefined && milliseconds <= longestGraceMs) return milliseconds;
  throw new InvalidArgumentError(`It must be a time such as 24h or 7d, at most ${longestGraceMs / day}d.`);
}

function row(key: KeyView): string[] {
  return [
    key.id,
    key.name ?? "",
    key.status,
    key.roles.join(","),
    key.team ?? "",
    key.models.join(","),
    key.expires_at ?? "",
    key.source,
  ];
}

function print(context: CommandContext, options: GlobalOptions, key: KeyView): void {
  context.stdout(options.json ? `${JSON.stringify(key)}\n` : `${key.id} is ${key.status}\n`);
}

function printNew(context: CommandContext, options: GlobalOptions, { record, key }: NewKey): void {
  if (options.json) {
    context.stdout(`${JSON.stringify({ ...viewKey(record, systemClock.now()), key })}\n`);
    return;
  }
  context.stderr(`The key ${record.id}, shown this once:\n`);
  context.stdout(`${key}\n`);
}
