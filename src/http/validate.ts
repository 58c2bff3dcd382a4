import { z } from "zod";
import { ApiError } from "../lib/api-error.ts";
import { accountName } from "../schema/account.ts";

/** An account's id in a path. */
export const accountIdSchema = z.strictObject({ id: accountName });

/**
 * Checks a value against a schema and hands back the value itself: what is forwarded is what the client sent, unknown
 * fields included, and a parsed copy would cost as much again.
 *
 * @throws {ApiError} 400 with the path of the first offending field as `param`.
 */
export function validate<Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> {
  if (z.validate(schema, value)) return value as z.infer<Schema>;
  const result = schema.safeParse(value);
  if (result.success) return value as z.infer<Schema>;
  const issue = deepest(result.error.issues[0]!);
  const param = pathText(issue.path);
  const missing = ["invalid_type", "invalid_value"].includes(issue.code ?? "") &&
    valueAt(value, issue.path) === undefined;
  throw new ApiError({
    status: 400,
    code: missing
      ? "missing_required_parameter"
      : issue.code === "invalid_type"
      ? "invalid_type"
      : "invalid_value",
    param: param === "" ? null : param,
    message: missing
      ? `Missing required parameter: '${param}'.`
      : `Invalid ${param === "" ? "request body" : `value for '${param}'`}: ${issue.message}.`.replace(
        /\.\.$/,
        ".",
      ),
  });
}

interface Issue {
  readonly code: string | undefined;
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** A union's own message says only "Invalid input"; the branch that got furthest says what is wrong. */
function deepest(issue: z.core.$ZodIssue, base: readonly PropertyKey[] = []): Issue {
  const path = [...base, ...issue.path];
  if (issue.code !== "invalid_union") return { code: issue.code, path, message: issue.message };
  const branches = issue.errors.flatMap((issues) =>
    issues.slice(0, 1).map((nested) => deepest(nested, path))
  );
  const furthest = branches.reduce<Issue | undefined>(
    (best, branch) => (best === undefined || branch.path.length > best.path.length ? branch : best),
    undefined,
  );
  return furthest !== undefined && furthest.path.length > path.length
    ? furthest
    : { code: "invalid_type", path, message: "none of the allowed forms fits" };
}

function pathText(path: readonly PropertyKey[]): string {
  return path.map((part, index) =>
    typeof part === "number" ? `[${part}]` : `${index === 0 ? "" : "."}${String(part)}`
  ).join("");
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let current = value;
  for (const part of path) current = (current as Record<PropertyKey, unknown> | undefined | null)?.[part];
  return current;
}
