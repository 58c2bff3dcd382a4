import { Command } from "commander";
import { readFileSync } from "node:fs";
import { didYouMeanSentence } from "../lib/did-you-mean.ts";
import { createEgress } from "../plugin/host/egress.ts";
import { composeOffline } from "../roles/compose-offline.ts";
import type { ChainStep } from "../schema/chain.ts";
import { stepKinds } from "../schema/chain.ts";
import { chainExamples } from "./chain-examples.ts";
import { type CommandContext, CommandFailure } from "./command-context.ts";
import { type GlobalOptions, load, withJson } from "./global-options.ts";
import { gatewayAddress } from "./health.ts";

/** `intellirouter chains`: what the configuration says of chains, and runs of them by a running gateway. */
export function chainsCommand(context: CommandContext): Command {
  return new Command("chains").description("Show, check and run the chains of the configuration.")
    .addCommand(list(context))
    .addCommand(show(context))
    .addCommand(validate(context))
    .addCommand(run(context))
    .addCommand(example(context));
}

function example(context: CommandContext): Command {
  return new Command("example").description(
    "Print an example, to be put into a configuration; without a name, which there are.",
  )
    .argument("[name]")
    .action((name: string | undefined) => {
      if (name === undefined) return context.stdout(`${Object.keys(chainExamples).join("\n")}\n`);
      const text = chainExamples[name];
      if (text !== undefined) return context.stdout(text);
      const known = Object.keys(chainExamples);
      throw new CommandFailure(
        1,
        `there is no example "${name}".${didYouMeanSentence(name, known)} There are: ${known.join(", ")}`,
      );
    });
}

function list(context: CommandContext): Command {
  return withJson(new Command("list").description("The chains of the configuration."))
    .action(async (options: GlobalOptions) => {
      const { settings } = await load(context, options);
      const chains = Object.entries(settings.chains).map(([name, { description = null }]) => ({
        id: `chain/${name}`,
        description,
      }));
      if (options.json) return context.stdout(`${JSON.stringify({ object: "list", data: chains })}\n`);
      if (chains.length === 0) {
        context.stderr("There are no chains: add [chains.NAME] to the configuration.\n");
      }
      for (const { id, description } of chains) {
        context.stdout(`${id}${description ? `  ${description}` : ""}\n`);
      }
    });
}

function show(context: CommandContext): Command {
  return withJson(new Command("show").description("Show the steps of a chain.")).argument("<name>")
    .action(async (name: string, options: GlobalOptions) => {
      const { settings } = await load(context, options);
      const chain = settings.chains[name];
      if (chain === undefined) throw new CommandFailure(1, `there is no chain "${name}"`);
      if (options.json) return context.stdout(`${JSON.stringify(chain, null, 2)}\n`);
      context.stdout(`chain/${name}${chain.description ? `: ${chain.description}` : ""}\n`);
      context.stdout(
        chain.steps === undefined ? `  code: the plugin "${chain.kind}"\n` : tree(chain.steps, "  "),
      );
    });
}

function validate(context: CommandContext): Command {
  return withJson(
    new Command("validate").description("Check the chains: steps, templates, expressions, schemas, circles."),
  ).action(async (options: GlobalOptions) => {
    const loaded = await load(context, options);
    const composition = await composeOffline(loaded, context.plugins, context.environment);
    const names = [...composition.chains.keys()];
    await composition.dispose();
    if (options.json) context.stdout(`${JSON.stringify({ ok: true, chains: names })}\n`);
    else context.stdout(`${names.length} chain${names.length === 1 ? "" : "s"}: ok\n`);
  });
}

interface RunOptions extends GlobalOptions {
  readonly url?: string;
  readonly keyEnv: string;
  readonly resume?: string;
}

function run(context: CommandContext): Command {
  return withJson(new Command("run").description("Have a running gateway run a chain, and print its answer."))
    .argument("<name>")
    .argument("[input]", "what it is given; read from standard input when absent")
    .option("--url <address>", "address of the gateway (default: the configured one)")
    .option(
      "--key-env <variable>",
      "variable of the environment that holds the API key",
      "INTELLIROUTER_API_KEY",
    )
    .option("--resume <run>", "take this run up from its last finished step")
    .action(async (name: string, input: string | undefined, options: RunOptions) => {
      const base = options.url ?? await gatewayAddress(context, options);
      const text = options.resume === undefined ? input ?? readFileSync(0, "utf8") : input ?? "resumed";
      const key = context.environment[options.keyEnv];
      const response = await createEgress()(`${base.replace(/\/+$/, "")}/v1/chat/completions`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
          ...(options.resume === undefined ? {} : { "x-intellirouter-chain-run": options.resume }),
        },
        body: JSON.stringify({ model: `chain/${name}`, messages: [{ role: "user", content: text }] }),
      }).catch((error) => {
        throw new CommandFailure(1, `${base}: ${error instanceof Error ? error.message : error}`);
      });
      const answer = await response.json() as {
        readonly id?: string;
        readonly choices?: readonly { readonly message: { readonly content: string } }[];
        readonly error?: { readonly message?: string };
      };
      if (!response.ok) {
        throw new CommandFailure(1, answer.error?.message ?? `the gateway answered ${response.status}`);
      }
      const output = answer.choices?.[0]?.message.content ?? "";
      const run = answer.id?.replace(/^chatcmpl-/, "");
      context.stdout(options.json ? `${JSON.stringify({ run, output })}\n` : `${output}\n`);
    });
}

/** The steps, one a line, those within others further to the right. */
function tree(steps: readonly ChainStep[], indent: string): string {
  return steps.map((step) => {
    const kind = stepKinds.find((kind) => step[kind] !== undefined)!;
    const asks = step.model ?? step.vote?.model ?? step.best_of?.model;
    const within = [
      ...step.parallel ?? [],
      ...step.map?.steps ?? [],
      ...step.loop?.steps ?? [],
      ...(step.branch ?? []).flatMap(({ steps }) => steps),
      ...(step.fallback ?? []).flatMap(({ steps }) => steps),
    ];
    const what = asks === undefined ? kind : kind === "prompt" ? asks : `${kind} ${asks}`;
    return `${indent}${step.id}: ${what}\n${tree(within, `${indent}  `)}`;
  }).join("");
}
