import type { z } from "zod";
import { type ConfigProblem, settingName, type SettingPath } from "../lib/config-error.ts";
import { didYouMeanSentence } from "../lib/did-you-mean.ts";
import { isSecretName } from "./secret-names.ts";

/**
 * What a schema's complaint means to a person: which setting, what was expected, what was there.
 *
 * @param keysAt the keys that are allowed in the table at a path; for suggestions.
 * @param root the value that was checked.
 */
export function explainIssue(
  issue: z.core.$ZodIssue,
  root: unknown,
  keysAt: (path: SettingPath) => readonly string[],
  base: SettingPath = [],
): ConfigProblem[] {
  const path = [...base, ...issue.path] as SettingPath;
  const name = settingName(path);
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => ({
        path: [...path, key],
        message: `unknown key "${settingName([...path, key])}".${
          didYouMeanSentence(key, keysAt(path)) || known(keysAt(path))
        }`,
      }));
    case "invalid_union": {
      const branches = issue.errors.map((issues) =>
        issues.flatMap((nested) => explainIssue(nested, root, keysAt, path))
      );
      const furthest = branches.toSorted((left, right) => depth(right) - depth(left))[0];
      if (furthest !== undefined && depth(furthest) > path.length) return furthest;
      return [{
        path,
        message: `"${name}" must be one of the forms that the reference names${
          but(path, valueAt(root, path))
        }.`,
      }];
    }
    case "invalid_type": {
      const given = valueAt(root, path);
      return [{
        path,
        message: given === undefined
          ? `"${name}" is missing; it must be ${article(issue.expected)}.`
          : `"${name}" must be ${article(issue.expected)}${but(path, given)}.`,
      }];
    }
    case "invalid_value":
      return [{
        path,
        message: `"${name}" must be one of ${
          issue.values.map((value) => JSON.stringify(value)).join(", ")
        }${but(path, valueAt(root, path))}.` +
          didYouMeanSentence(String(valueAt(root, path)), issue.values.map(String)),
      }];
    case "too_big":
      return [{
        path,
        message: `"${name}" must be at most ${issue.maximum}${but(path, valueAt(root, path))}.`,
      }];
    case "too_small":
      if (issue.origin !== "number" && Number(issue.minimum) === 1) {
        return [{ path, message: `"${name}" must not be empty.` }];
      }
      return [{
        path,
        message: `"${name}" must be at least ${issue.minimum}${issue.origin === "number" ? "" : " long"}${
          but(path, valueAt(root, path))
        }.`,
      }];
    default:
      return [{ path, message: `"${name}" ${issue.message}${but(path, valueAt(root, path))}.` }];
  }
}

function depth(problems: readonly ConfigProblem[]): number {
  return Math.max(0, ...problems.map((problem) => problem.path?.length ?? 0));
}

function known(keys: readonly string[]): string {
  return keys.length === 0 ? "" : ` Known keys here: ${keys.join(", ")}.`;
}

const names: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a table",
  record: "a table",
};

function article(type: string): string {
  return names[type] ?? type;
}

/**
 * What was given instead, as it may be shown: a key pasted into the wrong place must not end up in a log, and neither must any
 * long text.
 */
function but(path: SettingPath, value: unknown): string {
  const name = path.findLast((part) => typeof part === "string");
  const isSecret = typeof name === "string" && (name === "hash" || isSecretName(name));
  if (isSecret && !isContainer(value)) return "";
  if (typeof value === "string") {
    return `, not ${value.length > 40 ? `a text of ${value.length} characters` : JSON.stringify(value)}`;
  }
  if (Array.isArray(value)) return ", not a list";
  return isContainer(value) ? ", not a table" : `, not ${String(value)}`;
}

function isContainer(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

function valueAt(value: unknown, path: SettingPath): unknown {
  let current = value;
  for (const part of path) current = (current as Record<string | number, unknown> | undefined | null)?.[part];
  return current;
}
