import { z } from "zod";
import { validate } from "./validate.ts";

/** The query parameters of lists. */
export const pageQuerySchema = z.strictObject({
  limit: z.number().int().min(1).max(1000).optional().describe("Most entries to give; 100 when absent."),
  after: z.string().optional().describe("Only entries after the one with this id; for the next page."),
});

export type Page = z.infer<typeof pageQuerySchema>;

/** @throws {ApiError} 400 */
export function readPage(query: (name: string) => string | undefined): Page {
  const [limit, after] = [query("limit"), query("after")];
  return validate(pageQuerySchema, {
    ...(limit === undefined ? {} : { limit: Number(limit) }),
    ...(after === undefined ? {} : { after }),
  });
}

/** One page of a list that is there whole, in OpenAI's shape. */
export function pageOf<Entry extends { readonly id?: unknown }>(
  entries: readonly Entry[],
  { limit = 100, after }: Page,
) {
  const position = entries.findIndex(({ id }) => id === after);
  // From an entry that is not there nothing goes on: beginning anew would have a client turn pages for ever.
  const start = after === undefined ? 0 : position < 0 ? entries.length : position + 1;
  const data = entries.slice(start, start + limit);
  return { object: "list" as const, data, has_more: start + data.length < entries.length };
}
