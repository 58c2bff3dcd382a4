import { createHash } from "node:crypto";
import { Command } from "commander";
import { stringify } from "smol-toml";
import { z } from "zod";
import { redactSettings } from "../config/redact-settings.ts";
import { settingsSchema } from "../schema/settings.ts";
import { type CommandContext, CommandFailure } from "./command-context.ts";
import { type GlobalOptions, load, withJson } from "./global-options.ts";

export function configCommand(context: CommandContext): Command {
  const command = new Command("config").description("Look at the configuration.");
  command.addCommand(printCommand(context));
  command.addCommand(schemaCommand(context));
  command.addCommand(hashKeyCommand(context));
  return command;
}

function printCommand(context: CommandContext): Command {
  return withJson(
    new Command("print").description("Print the settings in force, made of file, environment and defaults."),
  )
    .option("--redacted", "replace secrets (always done unless --show-secrets is given)")
    .option("--show-secrets", "print secrets as they are")
    .action(async (options: GlobalOptions & { redacted?: boolean; showSecrets?: boolean }) => {
      if (options.redacted && options.showSecrets) {
        throw new CommandFailure(2, "give either --redacted or --show-secrets, not both.");
      }
      const { settings } = await load(context, options);
      const shown = options.showSecrets ? JSON.parse(JSON.stringify(settings)) : redactSettings(settings);
      context.stdout(
        options.json ? `${JSON.stringify(shown, null, 2)}\n` : `${stringify(shown).trimEnd()}\n`,
      );
    });
}

function schemaCommand(context: CommandContext): Command {
  return new Command("schema").description("Print the JSON Schema of the configuration, for editors.")
    .action(() => context.stdout(`${JSON.stringify(settingsJsonSchema(), null, 2)}\n`));
}

/** The JSON Schema of a configuration file. */
export function settingsJsonSchema(): Record<string, unknown> {
  return { title: "IntelliRouter configuration", ...z.toJSONSchema(settingsSchema, { io: "input" }) };
}

function hashKeyCommand(context: CommandContext): Command {
  return withJson(
    new Command("hash-key").description(
      "Read an API key from standard input and print the hash for [[auth.keys]].",
    ),
  )
    .addHelpText(
      "after",
      "\nA key is never given as an argument: other users could see it.\n  openssl rand -hex 32 | tee key.txt | intellirouter config hash-key",
    )
    .action(async (options: GlobalOptions) => {
      if (context.stdinIsTerminal) context.stderr("Type or paste the key, then press Enter and Ctrl-D: ");
      const key = (await context.readStdin()).trim();
      if (key.length < 16 || /[\s,]/.test(key)) {
        throw new CommandFailure(2, "a key has at least 16 characters, and neither spaces nor commas.");
      }
      const hash = `sha256:${createHash("sha256").update(key).digest("hex")}`;
      context.stdout(options.json ? `${JSON.stringify({ hash })}\n` : `${hash}\n`);
    });
}
