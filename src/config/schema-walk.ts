import { z } from "zod";
import type { SettingPath } from "../lib/config-error.ts";
import { settingsSchema } from "../schema/settings.ts";

/** The schema inside defaults and optionals. */
export function unwrap(schema: z.ZodType): z.ZodType {
  let current = schema;
  while (
    current instanceof z.ZodOptional || current instanceof z.ZodDefault || current instanceof z.ZodPrefault ||
    current instanceof z.ZodNullable
  ) {
    current = current.unwrap() as z.ZodType;
  }
  return current;
}

/** The schema of a setting; undefined where the schema knows none. */
export function schemaAt(path: SettingPath): z.ZodType | undefined {
  let current: z.ZodType | undefined = settingsSchema;
  for (const part of path) {
    if (current === undefined) return undefined;
    current = step(unwrap(current), part);
  }
  return current === undefined ? undefined : unwrap(current);
}

/** The keys that the table at a path may have. */
export function keysAt(path: SettingPath): readonly string[] {
  const schema = schemaAt(path);
  const table = schema instanceof z.ZodUnion
    ? schema.options.map((option) => unwrap(option as z.ZodType)).find((option) =>
      option instanceof z.ZodObject
    )
    : schema;
  return table instanceof z.ZodObject ? Object.keys(table.shape) : [];
}

function step(schema: z.ZodType, part: string | number): z.ZodType | undefined {
  if (schema instanceof z.ZodObject) return schema.shape[part] as z.ZodType | undefined;
  if (schema instanceof z.ZodRecord) return schema.valueType as z.ZodType;
  if (schema instanceof z.ZodLazy) return step(unwrap(schema.unwrap() as z.ZodType), part);
  if (schema instanceof z.ZodArray && typeof part === "number") return schema.element as z.ZodType;
  if (schema instanceof z.ZodUnion) {
    for (const option of schema.options) {
      const found = step(unwrap(option as z.ZodType), part);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}
