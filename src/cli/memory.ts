import { Command } from "commander";
import { type CommandMemory, openCommandMemory } from "../roles/command-memory.ts";
import type { Forgettable } from "../memory/memory-administration.ts";
import { type CommandContext, CommandFailure } from "./command-context.ts";
import { type GlobalOptions, load, withJson } from "./global-options.ts";
import { table } from "./table.ts";

interface MemoryOptions extends GlobalOptions {
  readonly tenant: string;
  readonly user?: string;
}

/** `intellirouter memory`: what the gateway remembers, where its configuration says that it is. */
export function memoryCommand(context: CommandContext): Command {
  return new Command("memory").description("What is remembered of conversations and users.")
    .addCommand(list(context))
    .addCommand(show(context))
    .addCommand(exporting(context))
    .addCommand(forget(context));
}

function withTenant(command: Command): Command {
  return command.option(
    "--tenant <name>",
    "whose memory: a key's tenant, which is its id unless it has another",
    "default",
  );
}

function list(context: CommandContext): Command {
  return withJson(withTenant(new Command("list").description("List conversations, or facts, or tenants.")))
    .option("--user <id>", "only what is this user's")
    .option("--facts", "list what has been learnt, and not conversations")
    .option("--tenants", "list of whom something is remembered")
    .action((options: MemoryOptions & { facts?: boolean; tenants?: boolean }) =>
      withMemory(context, options, async ({ administration }) => {
        if (options.tenants) {
          const tenants = await administration.tenants();
          return print(context, options, tenants, () => tenants.map((name) => `${name}\n`).join(""));
        }
        const page = { user: options.user, limit: 1000 };
        if (options.facts) {
          const { data } = await administration.listFacts(options.tenant, page);
          return print(context, options, data, () =>
            table(
              ["ID", "USER", "KIND", "HEARD", "TEXT"],
              data.map(({ id, user, kind, seen_at: heard, text }) => [id, user ?? "-", kind, heard, text]),
            ));
        }
        const { data } = await administration.listConversations(options.tenant, page);
        print(context, options, data, () =>
          table(
            ["ID", "USER", "ITEMS", "LAST", "SUMMARY"],
            data.map(({ id, user, items, updated_at: last, summary }) => [
              id,
              user ?? "-",
              String(items),
              last,
              summary.replace(/\s+/g, " ").slice(0, 60),
            ]),
          ));
      })
    );
}

function show(context: CommandContext): Command {
  return withJson(
    withTenant(new Command("show").description("Print a conversation: its summary and its items.")),
  )
    .argument("<conversation>")
    .action((id: string, options: MemoryOptions) =>
      withMemory(context, options, async ({ administration }) => {
        const conversation = await administration.conversation(options.tenant, id);
        if (conversation === undefined) {
          throw new CommandFailure(1, `the tenant ${options.tenant} has no conversation "${id}"`);
        }
        const items = await administration.items(options.tenant, id);
        print(context, options, { ...conversation, items }, () =>
          [
            `${conversation.id}  user ${conversation.user ?? "-"}  last ${conversation.updated_at}`,
            ...(conversation.summary === "" ? [] : [`summary: ${conversation.summary}`]),
            ...items.map((item) => JSON.stringify(item)),
            "",
          ].join("\n"));
      })
    );
}

function exporting(context: CommandContext): Command {
  return withTenant(
    new Command("export").description("Write everything of a tenant or a user to standard output, as JSONL."),
  )
    .option("--user <id>", "only what is this user's")
    .action((options: MemoryOptions) =>
      withMemory(context, options, async ({ administration }) => {
        for await (const line of administration.export(options.tenant, options.user, "command-line")) {
          context.stdout(line);
        }
      })
    );
}

function forget(context: CommandContext): Command {
  return withJson(
    withTenant(new Command("forget").description("Forget one thing, a user, or everything of a tenant.")),
  )
    .option("--conversation <id>", "a conversation, and what was learnt in it")
    .option("--fact <id>", "one fact")
    .option("--user <id>", "everything of a user")
    .option("--everything", "everything of the tenant")
    .action((options: MemoryOptions & { conversation?: string; fact?: string; everything?: boolean }) =>
      withMemory(context, options, async ({ administration }) => {
        const what = forgettable(options);
        const forgotten = await administration.forget(options.tenant, what, "command-line");
        if (forgotten.conversations + forgotten.facts === 0) {
          throw new CommandFailure(1, `there was no such thing to forget of the tenant ${options.tenant}`);
        }
        print(
          context,
          options,
          forgotten,
          () => `forgot ${forgotten.conversations} conversations and ${forgotten.facts} facts\n`,
        );
      })
    );
}

/** @throws {CommandFailure} */
function forgettable(
  { conversation, fact, user, everything }: {
    conversation?: string;
    fact?: string;
    user?: string;
    everything?: boolean;
  },
): Forgettable {
  const given: Forgettable[] = [
    ...(conversation === undefined ? [] : [{ conversation }]),
    ...(fact === undefined ? [] : [{ fact }]),
    ...(user === undefined ? [] : [{ user }]),
    ...(everything ? ["everything" as const] : []),
  ];
  if (given.length === 1) return given[0]!;
  throw new CommandFailure(2, "say what to forget: one of --conversation, --fact, --user, --everything");
}

function print(context: CommandContext, options: GlobalOptions, value: unknown, text: () => string): void {
  if (!options.json) return context.stdout(text());
  context.stdout(`${JSON.stringify(Array.isArray(value) ? { object: "list", data: value } : value)}\n`);
}

async function withMemory(
  context: CommandContext,
  options: GlobalOptions,
  work: (memory: CommandMemory) => Promise<void>,
): Promise<void> {
  const memory = await openCommandMemory(await load(context, options), options.dataDir, context);
  try {
    await work(memory);
  } finally {
    await memory.close();
  }
}
