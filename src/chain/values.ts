import { z } from "zod";
import { compileExpression, type Expression } from "../lib/expression.ts";
import { compileTemplate, lookUp, type Template } from "../lib/template.ts";
import { chunkText } from "./chunk-text.ts";
import { ChainError } from "./contracts.ts";

/** What templates and expressions may name at one place of a chain. */
export type Scope = Readonly<Record<string, unknown>>;

/** A template that is filled from a scope. */
export interface ScopedTemplate {
  render(scope: Scope): string;
}

/** An expression that is told from a scope. */
export interface ScopedExpression {
  /** @throws {ChainError} `expression` when it cannot be told. */
  value(scope: Scope): unknown;
}

/** @throws {Error} for a template that names what is not there. */
export function scopedTemplate(source: string, names: ReadonlySet<string>): ScopedTemplate {
  const template: Template = compileTemplate(source);
  for (const path of template.paths) {
    const [name = ""] = path.split(".");
    if (!names.has(name)) {
      throw new Error(`the template names "${name}", which is not there; there is ${[...names].join(", ")}`);
    }
  }
  return { render: (scope) => template.render((path) => lookUp(scope, path)) };
}

/** @throws {Error} for an expression that does not parse or names what is not there. */
export function scopedExpression(
  source: string,
  names: ReadonlySet<string>,
  isBoolean = false,
): ScopedExpression {
  const types = Object.fromEntries([...names].map((name) => [name, "dyn"]));
  const expression: Expression = compileExpression(source, {
    what: "expression",
    types,
    isBoolean,
    functions: {
      "string.chunks(int): list<string>": (text: string, size: bigint) => chunkText(text, Number(size)),
    },
  });
  return {
    value(scope) {
      const values = Object.fromEntries([...names].map((name) => [name, toExpression(scope[name])]));
      try {
        return plain(expression.evaluate(values));
      } catch (error) {
        throw new ChainError("expression", `${source}: ${(error as Error).message}`, { cause: error });
      }
    },
  };
}

/** Expressions have null where a scope has nothing. */
function toExpression(value: unknown): unknown {
  return value === undefined ? null : value;
}

/** A value of an expression as JSON has it. */
function plain(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) {
    return Object.fromEntries([...value].map(([key, each]) => [String(key), plain(each)]));
  }
  if (value instanceof Date) return value.toISOString();
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
  }
  return value;
}

/** Checks values against a JSON schema. */
export interface SchemaCheck {
  /** @throws {ChainError} with the code, naming the place that does not fit. */
  check(value: unknown, code: "invalid_input" | "invalid_output"): unknown;
}

/** @throws {Error} for what is no JSON schema. */
export function schemaCheck(schema: Readonly<Record<string, unknown>>): SchemaCheck {
  const compiled = z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]);
  return {
    check(value, code) {
      const result = compiled.safeParse(value);
      if (result.success) return result.data;
      const { path, message } = result.error.issues[0]!;
      const place = path.length === 0 ? "" : `${path.join(".")}: `;
      throw new ChainError(code, `${place}${message}`, { canRetry: code === "invalid_output" });
    },
  };
}

/** Reads JSON that a model has written, also within the fences that models like. @throws {ChainError} `invalid_output` */
export function readJson(text: string): unknown {
  const inner = /^\s*```(?:json)?\s*\n([\s\S]*?)\n?```\s*$/.exec(text)?.[1] ?? text;
  try {
    return JSON.parse(inner);
  } catch (error) {
    throw new ChainError("invalid_output", "the answer is no JSON", { canRetry: true, cause: error });
  }
}
