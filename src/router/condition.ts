import { Environment } from "@marcbachmann/cel-js";
import { RE2JS } from "re2js";
import { didYouMeanSentence } from "../lib/did-you-mean.ts";
import type { RequestFacts } from "./contracts.ts";

/** What a `when` condition may ask about, and its CEL type. */
export const conditionVariables = {
  request: { type: "map", description: "The request body as the client sent it." },
  model: { type: "string", description: "The name that the client asked for." },
  headers: { type: "map", description: "Request headers by lower-case name; credentials are left out." },
  metadata: { type: "map", description: "The request's metadata, or an empty map." },
  message_count: { type: "int", description: "Number of messages." },
  prompt_tokens: { type: "int", description: "Estimated tokens of the prompt." },
  tools: { type: "list", description: "Names of the tools that the request offers." },
  stream: { type: "bool", description: "Whether the answer is to be streamed." },
  principal: { type: "map", description: "The caller: `id` and `roles`." },
  operation: { type: "string", description: "chat, completions or embeddings." },
  now: { type: "google.protobuf.Timestamp", description: "The time of the request." },
} as const;

type VariableName = keyof typeof conditionVariables;

/** A compiled condition. */
export interface Condition {
  readonly source: string;
  /** @returns whether it holds, or the reason why it could not be told (which counts as not holding). */
  test(facts: RequestFacts, nowMs: number): boolean | string;
}

const credentialHeaders = new Set(["authorization", "proxy-authorization", "api-key", "x-api-key", "x-goog-api-key", "cookie"]);

/** Patterns longer than this are refused: a pattern may come from the request. */
const longestPattern = 1_000;

/**
 * CEL's own `matches` uses the runtime's regular expressions, which backtrack and, past a limit, silently report "no
 * match". A function of the same length takes its place, so that positions in error messages stay right.
 */
const linearMatches = "re2test";

/**
 * Compiles a CEL condition.
 *
 * @throws {Error} naming the place in the expression when it does not parse, uses an unknown variable or is not boolean.
 */
export function compileCondition(source: string): Condition {
  const environment = createEnvironment();
  const program = parse(environment, source);
  const names = (Object.keys(conditionVariables) as VariableName[]).filter((name) => new RegExp(`\\b${name}\\b`).test(source));
  return {
    source,
    test(facts, nowMs) {
      const context: Record<string, unknown> = {};
      for (const name of names) context[name] = valueOf(name, facts, nowMs);
      try {
        return program(context) === true;
      } catch (error) {
        return firstLine(error);
      }
    },
  };
}

function createEnvironment(): Environment {
  const environment = new Environment({ unlistedVariablesAreDyn: false });
  for (const [name, { type }] of Object.entries(conditionVariables)) environment.registerVariable(name, type);
  const compiled = new Map<string, RE2JS>();
  const test = (text: string, pattern: string): boolean => {
    if (pattern.length > longestPattern) throw new Error(`a pattern may have at most ${longestPattern} characters`);
    let expression = compiled.get(pattern);
    if (expression === undefined) {
      expression = RE2JS.compile(pattern);
      if (compiled.size >= 100) compiled.clear();
      compiled.set(pattern, expression);
    }
    return expression.matcher(text).find();
  };
  environment.registerFunction(`string.${linearMatches}(string): bool`, test);
  environment.registerFunction(`${linearMatches}(string, string): bool`, test);
  return environment;
}

function parse(environment: Environment, source: string) {
  let program: ReturnType<Environment["parse"]>;
  try {
    program = environment.parse(replaceMatches(source));
  } catch (error) {
    throw new Error(`The condition does not parse: ${tidy(error)}`, { cause: error });
  }
  const check = program.check();
  if (!check.valid) {
    const unknown = String(check.error?.message).match(/Unknown variable: (\w+)/)?.[1];
    const hint = unknown === undefined ? "" : didYouMeanSentence(unknown, Object.keys(conditionVariables));
    throw new Error(`The condition is wrong: ${tidy(check.error)}${hint}`);
  }
  if (check.type !== "bool" && check.type !== "dyn") {
    throw new Error(`The condition gives a value of type ${check.type}; it must be true or false.`);
  }
  for (const literal of literalPatterns(source)) RE2JS.compile(literal);
  return program;
}

const stringLiterals = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/;

function replaceMatches(source: string): string {
  const pattern = new RegExp(`(${stringLiterals.source})|\\bmatches(?=\\s*\\()`, "g");
  return source.replace(pattern, (_whole, text?: string) => text ?? linearMatches);
}

/** Patterns that are written out, so that a wrong one is found when the configuration is loaded. */
function literalPatterns(source: string): string[] {
  const pattern = new RegExp(`\\bmatches\\s*\\(\\s*(${stringLiterals.source})\\s*\\)`, "g");
  return [...source.matchAll(pattern)].map(([, text]) => text!.slice(1, -1).replace(/\\\\/g, "\\"));
}

function valueOf(name: VariableName, facts: RequestFacts, nowMs: number): unknown {
  switch (name) {
    case "request":
      return facts.body;
    case "model":
      return facts.model;
    case "headers":
      return Object.fromEntries([...facts.headers].filter(([header]) => !credentialHeaders.has(header)));
    case "metadata":
      return isRecord(facts.body.metadata) ? facts.body.metadata : {};
    case "message_count":
      return BigInt(Array.isArray(facts.body.messages) ? facts.body.messages.length : 0);
    case "prompt_tokens":
      return BigInt(facts.promptTokens);
    case "tools":
      return toolNames(facts.body.tools);
    case "stream":
      return facts.stream;
    case "principal":
      return { id: facts.principal.id, roles: facts.principal.roles };
    case "operation":
      return facts.operation;
    case "now":
      return new Date(nowMs);
  }
}

function toolNames(tools: unknown): string[] {
  if (!Array.isArray(tools)) return [];
  return tools.map((tool) => tool?.function?.name ?? tool?.custom?.name ?? tool?.name ?? "").map(String);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function firstLine(error: unknown): string {
  return tidy(error).split("\n", 1)[0]!;
}

function tidy(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replaceAll(linearMatches, "matches").trim();
}
