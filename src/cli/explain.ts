import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { explainRequest, type Explanation } from "../roles/explain-request.ts";
import { type CommandContext, CommandFailure } from "./command-context.ts";
import { type GlobalOptions, load, withJson } from "./global-options.ts";
import { table } from "./table.ts";

interface ExplainOptions extends GlobalOptions {
  readonly model?: string;
  readonly message: string;
  readonly request?: string;
  readonly header: readonly [string, string][];
  readonly key?: string;
}

export function explainCommand(context: CommandContext): Command {
  return withJson(
    new Command("explain").description("Tell where a request would go and why; nobody is called."),
  )
    .option("-m, --model <name>", "the model that the request asks for")
    .option("--message <text>", "what the user says", "Hello!")
    .option("--request <file>", "a whole chat request as JSON; - reads standard input")
    .option("--header <name=value>", "a request header; may be given several times", parseHeader, [])
    .option("--key <id>", "apply the rights of this static key")
    .addHelpText(
      "after",
      "\nExits 0 when a target remains and 1 when none does.\nEvery target counts as healthy and idle: the state of a running gateway is at /admin/v1/decisions.",
    )
    .action(async (options: ExplainOptions) => {
      const request = await requestOf(context, options);
      const explanation = await explainRequest(
        await load(context, options),
        context.plugins,
        context.environment,
        request,
        new Headers(options.header.map(([name, value]): [string, string] => [name, value])),
        options.key,
      );
      context.stdout(options.json ? `${JSON.stringify(explanation)}\n` : describe(explanation));
      if (explanation.error !== null) {
        throw new CommandFailure(1, options.json ? "" : explanation.error.message);
      }
    });
}

async function requestOf(context: CommandContext, options: ExplainOptions): Promise<unknown> {
  if (options.request === undefined) {
    if (options.model === undefined) {
      throw new CommandFailure(2, "say which model: --model NAME, or --request FILE.");
    }
    return { model: options.model, messages: [{ role: "user", content: options.message }] };
  }
  const text = options.request === "-"
    ? await context.readStdin()
    : readFileSync(resolve(context.cwd, options.request), "utf8");
  let request: Record<string, unknown>;
  try {
    request = JSON.parse(text);
  } catch (error) {
    throw new CommandFailure(
      2,
      `${options.request} is not valid JSON: ${error instanceof Error ? error.message : error}`,
    );
  }
  return options.model === undefined ? request : { ...request, model: options.model };
}

function describe(explanation: Explanation): string {
  const { route, strategy, model, candidates, timeouts, retries } = explanation;
  if (strategy === null) return "";
  const via = route === null
    ? "no route: the model is named directly"
    : `the route "${route}" (number ${explanation.route_index! + 1} in the file), strategy ${strategy}`;
  const passed = explanation.passed_over.map(({ route, index, reason }) =>
    `passed over: the route "${route}" (number ${index + 1}): ${reason}\n`
  ).join("");
  const rows = candidates.map((candidate) => [
    candidate.rank === undefined ? "-" : String(candidate.rank),
    candidate.target,
    candidate.score === undefined ? "" : candidate.score.toPrecision(4),
    candidate.propensity === undefined ? "" : `${(candidate.propensity * 100).toFixed(1)} %`,
    candidate.removed_by === undefined ? "" : `removed by ${candidate.removed_by}: ${candidate.reason ?? ""}`,
  ]);
  const limits = timeouts === null
    ? ""
    : `first token ${timeouts.first_token_ms} ms, silence ${timeouts.idle_ms} ms, whole request ${timeouts.total_ms} ms; retries on one target: ${retries}\n`;
  const as = explanation.persona === null ? "" : ` as the persona "${explanation.persona}"`;
  return `"${model}" is served by ${via}${as}\n${passed}\n${
    table(["TRY", "TARGET", "SCORE", "FIRST", "NOTE"], rows)
  }\n${limits}about ${explanation.prompt_tokens} prompt tokens; policy ${explanation.policy}\n`;
}

function parseHeader(value: string, previous: readonly [string, string][]): [string, string][] {
  const [, name, text] = value.match(/^([\w-]+)\s*[=:]\s*(.*)$/) ?? [];
  if (name === undefined) throw new InvalidArgumentError("It has the form name=value.");
  return [...previous, [name, text!]];
}
