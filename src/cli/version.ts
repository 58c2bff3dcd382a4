import { Command } from "commander";
import process from "node:process";
import type { CommandContext } from "./command-context.ts";
import { type GlobalOptions, withJson } from "./global-options.ts";

export function versionCommand(context: CommandContext): Command {
  return withJson(new Command("version").description("Print the version and what it runs on."))
    .action((options: GlobalOptions) => {
      const { bun, deno } = process.versions as Record<string, string | undefined>;
      const facts = {
        version: context.version,
        runtime: bun !== undefined
          ? `bun ${bun}`
          : deno !== undefined
          ? `deno ${deno}`
          : `node ${process.version}`,
        platform: `${process.platform}-${process.arch}`,
      };
      context.stdout(
        options.json
          ? `${JSON.stringify(facts)}\n`
          : `intellirouter ${facts.version} (${facts.runtime}, ${facts.platform})\n`,
      );
    });
}
