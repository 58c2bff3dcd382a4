import { Command } from "commander";
import { validateSettings } from "../roles/validate-settings.ts";
import type { CommandContext } from "./command-context.ts";
import { type GlobalOptions, load, withJson } from "./global-options.ts";

export function checkCommand(context: CommandContext): Command {
  return withJson(
    new Command("check").description("Check the configuration: every field, plugin option and condition."),
  )
    .addHelpText(
      "after",
      "\nExits 0 when all is well and 2 with file:line:column when not. Nothing is started and nobody is called.",
    )
    .action(async (options: GlobalOptions) => {
      const loaded = await load(context, options);
      const report = await validateSettings(loaded, context.plugins, context.environment);
      if (options.json) {
        context.stdout(`${JSON.stringify({ ok: true, file: loaded.file ?? null, ...report })}\n`);
        return;
      }
      for (const warning of report.warnings) context.stderr(`warning: ${warning}\n`);
      const { providers, models, routes } = report;
      const count = (list: readonly string[], what: string) =>
        `${list.length} ${what}${list.length === 1 ? "" : "s"}`;
      context.stdout(`${loaded.file ?? "the built-in defaults"}: ok\n`);
      context.stdout(
        `${count(providers, "provider")}${named(providers)}; ${count(models, "model name")}${
          named(models)
        }; ${count(routes, "route")}${named(routes)}\n`,
      );
    });
}

function named(list: readonly string[]): string {
  return list.length === 0 ? "" : ` (${list.slice(0, 8).join(", ")}${list.length > 8 ? ", …" : ""})`;
}
