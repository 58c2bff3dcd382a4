import { z } from "zod";
import { variableOf } from "../src/config/environment-overlay.ts";
import { unwrap } from "../src/config/schema-walk.ts";

/** The reference page of the configuration file: one section for each table, one row for each key. */
export function renderConfigurationReference(schema: z.ZodObject): string {
  const sections = Object.entries(schema.shape).flatMap(([key, field]) =>
    renderField(key, [key], field as z.ZodType)
  );
  return [
    "# Configuration",
    "",
    "<!-- Made by scripts/gen.ts from src/schema/settings.ts; changes by hand are overwritten. -->",
    "",
    "The file is TOML: `--config FILE`, else `INTELLIROUTER_CONFIG`, else `./config/config.toml`, else `/etc/intellirouter/config.toml`,",
    "else everything has its default. A flag wins over the environment, the environment over the file, the file over the default.",
    "An unknown key is an error. `intellirouter check` says what is wrong, with line and column; `intellirouter config print`",
    "shows what is in effect, secrets hidden; `intellirouter config schema` prints the JSON Schema for editors.",
    "",
    "## Environment",
    "",
    "Every key outside of lists has a variable, named below. An empty variable counts as unset. Lists of texts are separated by commas;",
    "a list of tables is given as JSON. With `_FILE` at the end of its name a variable names a file that holds the value.",
    "",
    "| variable | meaning |",
    "|---|---|",
    "| `INTELLIROUTER_CONFIG` | The configuration file. |",
    "| `INTELLIROUTER_DATA_DIR` | The folder for the gateway's own state. Else the first of `$STATE_DIRECTORY`, `$XDG_STATE_HOME/intellirouter`, `~/.local/state/intellirouter`. |",
    "| `INTELLIROUTER_API_KEYS` | API keys of developers, separated by commas; at least 16 characters each. |",
    "| `INTELLIROUTER_ADMIN_KEY` | An API key that may also use /admin. |",
    "",
    ...sections,
  ].join("\n").trimEnd() + "\n";
}

function renderField(key: string, path: readonly string[], field: z.ZodType): string[] {
  const inner = unwrap(field);
  if (inner instanceof z.ZodObject) {
    return renderTable(`[${path.join(".")}]`, path, inner, description(field), true);
  }
  if (inner instanceof z.ZodArray) {
    const element = unwrap(inner.element as z.ZodType);
    if (element instanceof z.ZodObject) {
      const text = description(field) || description(element);
      return renderTable(
        `[[${path.join(".")}]]`,
        path,
        element,
        `${text}${text === "" ? "" : " "}Any number of tables; variable \`${variableOf(path)}\`.`,
        false,
      );
    }
  }
  if (inner instanceof z.ZodRecord) {
    const element = unwrap(inner.valueType as z.ZodType);
    if (element instanceof z.ZodObject) {
      const text = description(field) || description(element);
      return renderTable(`[${path.join(".")}.NAME]`, [...path, "NAME"], element, text, false);
    }
  }
  throw new Error(`The reference page has no form for the top-level key "${key}".`);
}

function renderTable(
  title: string,
  path: readonly string[],
  table: z.ZodObject,
  text: string,
  hasVariables: boolean,
): string[] {
  const rows: string[] = [];
  const nested: string[] = [];
  for (const [key, field] of Object.entries(table.shape as Record<string, z.ZodType>)) {
    const inner = unwrap(field);
    const here = [...path, key];
    if (inner instanceof z.ZodObject && hasVariables) {
      nested.push(...renderTable(`[${here.join(".")}]`, here, inner, description(field), true));
      continue;
    }
    if (
      inner instanceof z.ZodArray && unwrap(inner.element as z.ZodType) instanceof z.ZodObject && hasVariables
    ) {
      nested.push(...renderField(key, here, field));
      continue;
    }
    const cells = [
      `\`${key}\``,
      typeText(inner),
      defaultText(field),
      cellText(`${description(field) || description(inner)} ${fieldsText(inner)}`.trim()),
    ];
    rows.push(`| ${(hasVariables ? [...cells, `\`${variableOf(here)}\``] : cells).join(" | ")} |`);
  }
  const header = hasVariables
    ? ["| key | type | default | meaning | variable |", "|---|---|---|---|---|"]
    : ["| key | type | default | meaning |", "|---|---|---|---|"];
  return [
    `## \`${title}\``,
    "",
    ...(text === "" ? [] : [text, ""]),
    ...(rows.length === 0 ? [] : [...header, ...rows, ""]),
    ...nested,
  ];
}

function description(schema: z.ZodType): string {
  let current: z.ZodType = schema;
  for (;;) {
    if (current.description !== undefined) return current.description;
    if (
      !(current instanceof z.ZodOptional || current instanceof z.ZodDefault ||
        current instanceof z.ZodPrefault)
    ) return "";
    current = current.unwrap() as z.ZodType;
  }
}

function typeText(schema: z.ZodType): string {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodEnum) return inner.options.map((option) => `\`"${option}"\``).join(" \\| ");
  if (inner instanceof z.ZodString) return "text";
  if (inner instanceof z.ZodBoolean) return "boolean";
  if (inner instanceof z.ZodNumber) return numberText(inner);
  if (inner instanceof z.ZodArray) return `list of ${typeText(inner.element as z.ZodType)}`;
  if (inner instanceof z.ZodUnion) {
    return inner.options.map((option) => typeText(option as z.ZodType)).join(" or ");
  }
  return "table";
}

function numberText(schema: z.ZodNumber): string {
  const { minValue, maxValue } = schema;
  const kind = schema.isInt ? "whole number" : "number";
  const isBound = (value: number | null): value is number =>
    value !== null && Math.abs(value) < Number.MAX_SAFE_INTEGER;
  if (isBound(minValue) && isBound(maxValue)) return `${kind}, ${minValue} to ${maxValue}`;
  return isBound(minValue) ? `${kind}, at least ${minValue}` : kind;
}

function defaultText(schema: z.ZodType): string {
  if (schema instanceof z.ZodOptional) return "";
  if (!(schema instanceof z.ZodDefault)) return "(needed)";
  return `\`${JSON.stringify(schema.def.defaultValue)}\``;
}

/** Fields of tables that have no section of their own. */
function fieldsText(schema: z.ZodType): string {
  if (schema instanceof z.ZodArray) return fieldsText(unwrap(schema.element as z.ZodType));
  if (schema instanceof z.ZodUnion) {
    return schema.options.map((option) => fieldsText(unwrap(option as z.ZodType))).join("");
  }
  if (!(schema instanceof z.ZodObject)) return "";
  return Object.entries(schema.shape as Record<string, z.ZodType>)
    .map(([key, field]) => `\`${key}\`: ${description(field)}`).join(" ");
}

function cellText(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}
