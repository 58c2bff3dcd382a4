import { Command, InvalidArgumentError } from "commander";
import { createEgress } from "../plugin/host/egress.ts";
import { type CommandContext, CommandFailure } from "./command-context.ts";
import { type GlobalOptions, load, withJson } from "./global-options.ts";

const timeoutMs = 2_000;

export function healthCommand(context: CommandContext): Command {
  return withJson(
    new Command("health").description(
      "Ask a running gateway whether it is alive; for container health checks.",
    ),
  )
    .option("--url <address>", "address of the gateway (default: the configured one)", parseUrl)
    .option("--ready", "ask whether it takes new requests (/readyz) instead of whether it is alive (/livez)")
    .addHelpText("after", "\nExits 0 when it is and 1 when not.")
    .action(async (options: GlobalOptions & { url?: string; ready?: boolean }) => {
      const base = options.url ?? await gatewayAddress(context, options);
      const url = base.replace(/\/+$/, "") + (options.ready ? "/readyz" : "/livez");
      const problem = await ask(url);
      if (options.json) {
        context.stdout(
          `${
            JSON.stringify({ ok: problem === undefined, url, ...(problem === undefined ? {} : { problem }) })
          }\n`,
        );
      }
      if (problem !== undefined) throw new CommandFailure(1, `${url}: ${problem}`);
      if (!options.json) context.stdout("ok\n");
    });
}

/** Where the configured gateway can be asked. */
export async function gatewayAddress(context: CommandContext, options: GlobalOptions): Promise<string> {
  const { host, port } = (await load(context, options)).settings.server;
  // Listening on every address is not an address that one can ask.
  const reachable = host === "0.0.0.0"
    ? "127.0.0.1"
    : host === "::"
    ? "[::1]"
    : host.includes(":")
    ? `[${host}]`
    : host;
  return `http://${reachable}:${port}`;
}

async function ask(url: string): Promise<string | undefined> {
  try {
    const response = await createEgress()(url, { signal: AbortSignal.timeout(timeoutMs) });
    return response.ok ? undefined : `it answers with status ${response.status}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function parseUrl(value: string): string {
  if (!/^https?:\/\/[^/]+/.test(value)) throw new InvalidArgumentError("It must be an http or https URL.");
  return value;
}
