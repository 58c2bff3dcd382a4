import { z } from "zod";
import type { Exchange } from "./exchange.ts";
import { validate } from "./validate.ts";

/** The query parameters of OpenAI's lists. @param most entries of one page. */
export function listQuerySchema(most: number, usual: number) {
  return z.strictObject({
    limit: z.number().int().min(1).max(most).describe(`Most entries to give; ${usual} when absent.`),
    order: z.enum(["asc", "desc"]).describe("By time; the newest first (desc) when absent."),
    after: z.string().optional().describe("Only entries that come after the one with this id."),
    before: z.string().optional().describe("Only entries that come before the one with this id."),
  });
}

export interface ListQuery {
  readonly limit: number;
  readonly order: "asc" | "desc";
  readonly after?: string | undefined;
  readonly before?: string | undefined;
}

/** @throws {ApiError} 400 */
export function readListQuery({ query }: Exchange, most = 100, usual = 20): ListQuery {
  const raw: Record<string, unknown> = {
    limit: Number(query("limit") ?? usual),
    order: query("order") ?? "desc",
  };
  for (const name of ["after", "before"]) {
    const value = query(name);
    if (value !== undefined) raw[name] = value;
  }
  return validate(listQuerySchema(most, usual), raw);
}

/** A page of a list in OpenAI's shape. */
export function listPage(data: readonly { readonly id: string }[], hasMore: boolean) {
  return {
    object: "list",
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: hasMore,
  };
}

export function listSchema<Entry extends z.ZodType>(entry: Entry) {
  return z.object({
    object: z.literal("list"),
    data: z.array(entry),
    first_id: z.string().nullable(),
    last_id: z.string().nullable(),
    has_more: z.boolean(),
  });
}
