import type { z } from "zod";
import { ApiError } from "../lib/api-error.ts";
import { openCommandAccounts, type OpenedCommandAccounts } from "../roles/command-accounts.ts";
import { type CommandContext, CommandFailure } from "./command-context.ts";
import { type GlobalOptions, load } from "./global-options.ts";

/** Runs a command on the accounts of the data directory. @throws {CommandFailure} with the words of a refusal. */
export async function withAccounts(
  context: CommandContext,
  options: GlobalOptions,
  work: (accounts: OpenedCommandAccounts) => void | Promise<void>,
): Promise<void> {
  const accounts = await openCommandAccounts(await load(context, options), options.dataDir, context);
  try {
    await work(accounts);
  } catch (error) {
    if (error instanceof ApiError) throw new CommandFailure(1, error.message);
    throw error;
  } finally {
    await accounts.close();
  }
}

/** @throws {CommandFailure} with the field that is wrong. */
export function parseFields<Schema extends z.ZodType>(
  schema: Schema,
  fields: Record<string, unknown>,
): z.infer<Schema> {
  const result = schema.safeParse(fields);
  if (result.success) return result.data;
  const { path: [field, ...rest], message } = result.error.issues[0]!;
  const option = optionOf.get(String(field));
  const place = [option?.name ?? field, ...rest].join(" ") || "the options";
  throw new CommandFailure(2, `${place}: ${option?.takes ?? message}`);
}

/** How the fields of accounts are called on the command line, and what they take where the schema's words are not clear there. */
const optionOf: ReadonlyMap<string, { readonly name: string; readonly takes?: string }> = new Map([
  ["name", { name: "--name" }],
  ["owner", { name: "--owner" }],
  ["persona", { name: "--persona" }],
  ["guardrails", { name: "--guardrail" }],
  ["team", { name: "--team" }],
  ["tenant", { name: "--tenant" }],
  ["organisation", { name: "--organisation" }],
  ["roles", { name: "--role" }],
  ["models", { name: "--model" }],
  ["routes", { name: "--route" }],
  ["endpoints", { name: "--endpoint" }],
  ["ip_ranges", { name: "--ip-range", takes: "takes an address or a range, such as 10.0.0.0/8" }],
  ["expires_at", {
    name: "--expires",
    takes: "takes a time from now, such as 30d or 12h, or a date, such as 2027-01-31",
  }],
  ["metadata", { name: "--metadata" }],
  ["limits", { name: "--limit" }],
  ["budget", { name: "--budget" }],
]);
