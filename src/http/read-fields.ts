import type { z } from "zod";
import type { Exchange } from "./exchange.ts";
import { readJson } from "./read-json.ts";
import { validate } from "./validate.ts";

/**
 * The body of an administrative request, with the schema's defaults: what is kept is kept whole.
 *
 * @throws {ApiError} 400 for a field that is wrong or unknown; an unknown one could be meant to restrict something.
 */
export async function readFields<Schema extends z.ZodType>(
  { request, settings }: Exchange,
  schema: Schema,
): Promise<z.infer<Schema>> {
  const { value } = await readJson(request, settings);
  validate(schema, value);
  return schema.parse(value);
}
