import { Command } from "commander";
import { z } from "zod";
import { viewGroups } from "../auth/accounts/account-views.ts";
import { commandLine } from "../auth/accounts/rights.ts";
import { accountName, organisationFieldsSchema, teamFieldsSchema } from "../schema/account.ts";
import type { CommandContext } from "./command-context.ts";
import { collect, readFieldOptions } from "./field-options.ts";
import { type GlobalOptions, withJson } from "./global-options.ts";
import { table } from "./table.ts";
import { parseFields, withAccounts } from "./with-accounts.ts";

interface SetOptions extends GlobalOptions {
  readonly disable?: boolean;
  readonly enable?: boolean;
  readonly clear?: string[];
}

const schemas = { team: teamFieldsSchema, organisation: organisationFieldsSchema } as const;

/** `intellirouter teams` and `intellirouter organisations` */
export function groupCommand(kind: "team" | "organisation"): (context: CommandContext) => Command {
  const article = kind === "team" ? "a team" : "an organisation";
  return (context) =>
    new Command(`${kind}s`).description(
      `Make, list and end ${kind}s; their limits and budgets hold for all within.`,
    )
      .addCommand(set(context, kind, article))
      .addCommand(list(context, kind))
      .addCommand(remove(context, kind, article));
}

function set(context: CommandContext, kind: "team" | "organisation", article: string): Command {
  const command = withJson(
    new Command("set").description(`Make ${article}, or change the given fields of it.`),
  )
    .argument("<id>")
    .option("--name <text>", "for people")
    .option("--limit <name=number>", "such as requests_per_minute=60 (repeatable)", collect)
    .option(
      "--budget <name=value>",
      "such as monthly_usd=20, mode=soft, on_exhaust=reject (repeatable)",
      collect,
    );
  command
    .option("--disable", "refuse its keys until it is enabled again")
    .option("--enable", "let its keys in again")
    .option("--clear <field>", "take an optional field away, such as budget (repeatable)", collect);
  if (kind === "team") command.option("--organisation <id>", "the organisation it belongs to");
  return command.action((id: string, options: SetOptions) =>
    withAccounts(context, options, async ({ book, manager }) => {
      parseFields(z.strictObject({ id: accountName }), { id });
      const known = kind === "team" ? book.team(id) : book.organisation(id);
      const former = known === undefined ? {} : schemas[kind].strip().parse(known);
      const switched = options.disable ? { disabled: true } : options.enable ? { disabled: false } : {};
      const cleared = Object.fromEntries((options.clear ?? []).map((field) => [field, undefined]));
      const fields = parseFields(schemas[kind], {
        ...former,
        ...readFieldOptions(options),
        ...switched,
        ...cleared,
      });
      await manager.saveGroup(kind, id, fields, commandLine);
      const made = viewGroups(book, kind).find((group) => group.id === id);
      context.stdout(options.json ? `${JSON.stringify(made)}\n` : `${id} is set\n`);
    })
  );
}

function list(context: CommandContext, kind: "team" | "organisation"): Command {
  return withJson(new Command("list").description(`List every ${kind}.`))
    .action((options: GlobalOptions) =>
      withAccounts(context, options, ({ book }) => {
        const groups = viewGroups(book, kind);
        if (options.json) context.stdout(`${JSON.stringify({ object: "list", data: groups })}\n`);
        else if (groups.length === 0) {
          context.stderr(`There are no ${kind}s. Make one: intellirouter ${kind}s set ID\n`);
        } else {
          const rows = groups.map((group) =>
            ["id", "name", "organisation", "limits", "budget", "source"].map((name) => cell(group[name]))
          );
          context.stdout(table(["ID", "NAME", "ORGANISATION", "LIMITS", "BUDGET", "FROM"], rows));
        }
      })
    );
}

function remove(context: CommandContext, kind: "team" | "organisation", article: string): Command {
  return new Command("delete").description(`End ${article}; its keys are refused from then on.`).argument(
    "<id>",
  )
    .action((id: string, options: GlobalOptions) =>
      withAccounts(context, options, async ({ manager }) => {
        await manager.deleteGroup(kind, id, commandLine);
        context.stdout(`${id} is deleted\n`);
      })
    );
}

function cell(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value ?? "");
  return Object.entries(value).map(([name, content]) => `${name}=${content}`).join(" ");
}
