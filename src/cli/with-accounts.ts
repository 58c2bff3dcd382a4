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
  const [issue] = result.error.issues;
  throw new CommandFailure(2, `${issue!.path.join(".") || "the options"}: ${issue!.message}`);
}
