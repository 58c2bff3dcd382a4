import { Command } from "commander";
import { describeModels } from "../roles/describe-models.ts";
import type { CommandContext } from "./command-context.ts";
import { type GlobalOptions, load, withJson } from "./global-options.ts";
import { table } from "./table.ts";

export function modelsCommand(context: CommandContext): Command {
  return withJson(
    new Command("models").description(
      "List every name that clients may ask for, as a gateway started now would serve it.",
    ),
  )
    .option("--no-ask", "do not ask the backends for their models")
    .action(async (options: GlobalOptions & { ask: boolean }) => {
      const { models, problems } = await describeModels(
        await load(context, options),
        context.plugins,
        context.environment,
        options.ask,
      );
      for (const problem of problems) context.stderr(`warning: ${problem}\n`);
      if (options.json) {
        context.stdout(`${JSON.stringify({ object: "list", data: models })}\n`);
        return;
      }
      const rows = models.map((model) => [
        model.id,
        String(model.target ?? (model.targets as readonly string[] | undefined)?.join(", ") ?? ""),
        model.context_length === undefined ? "" : String(model.context_length),
        price(model.price),
        model.mock ? "a mock: makes its answers up" : "",
      ]);
      context.stdout(table(["NAME", "TARGET", "CONTEXT", "USD/1M IN, OUT", ""], rows));
    });
}

function price(value: unknown): string {
  const { input, output } = (value ?? {}) as { input?: number; output?: number };
  return input === undefined ? "" : `${input}, ${output ?? "?"}`;
}
