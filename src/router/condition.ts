import { type ASTNode, Environment } from "@marcbachmann/cel-js";
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
  message_characters: { type: "int", description: "Characters of all messages' texts." },
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

const credentialHeaders = new Set([
  "authorization",
  "proxy-authorization",
  "api-key",
  "x-api-key",
  "x-goog-api-key",
  "cookie",
]);

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
  const mentioned = new Set(nodesOf(program.ast).map((node) => node.op === "id" ? node.args : undefined));
  const names = (Object.keys(conditionVariables) as VariableName[]).filter((name) => mentioned.has(name));
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
    let expression = compiled.get(pattern);
    if (expression === undefined) {
      expression = compilePattern(pattern);
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
    throw new Error(`The condition is wrong: ${tidy(check.error).replace(/(?=\n|$)/, hint)}`);
  }
  if (check.type !== "bool" && check.type !== "dyn") {
    throw new Error(`The condition gives a value of type ${check.type}; it must be true or false.`);
  }
  checkPatterns(program.ast);
  return program;
}

/** Patterns that are written out are tried now, so that a wrong one is found when the configuration is loaded. */
function checkPatterns(ast: ASTNode): void {
  for (const node of nodesOf(ast)) {
    if (node.op !== "call" && node.op !== "rcall") continue;
    if (node.args[0] === "matches") {
      throw new Error(
        "The condition is wrong: `matches` stands behind an unpaired quote, as in a comment; write it without comments.",
      );
    }
    const pattern = node.args[0] === linearMatches ? node.args.at(-1) : undefined;
    const literal = Array.isArray(pattern) ? pattern.at(-1) : undefined;
    if (literal?.op === "value" && typeof literal.args === "string") compilePattern(literal.args);
  }
}

function compilePattern(pattern: string): RE2JS {
  if (pattern.length > longestPattern) {
    throw new Error(`The condition is wrong: a pattern may have at most ${longestPattern} characters.`);
  }
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    throw new Error(
      `The condition is wrong: the pattern ${JSON.stringify(pattern)} does not parse: ${tidy(error)}`,
      { cause: error },
    );
  }
}

/** The node and everything below it. */
function nodesOf(root: ASTNode): ASTNode[] {
  const nodes: ASTNode[] = [];
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(visit);
    else if (isNode(value)) {
      nodes.push(value);
      visit(value.args);
    }
  };
  visit(root);
  return nodes;
}

function isNode(value: unknown): value is ASTNode {
  return typeof value === "object" && value !== null && "op" in value && "args" in value;
}

const stringLiterals = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/;

function replaceMatches(source: string): string {
  const pattern = new RegExp(`(${stringLiterals.source})|\\bmatches(?=\\s*\\()`, "g");
  return source.replace(pattern, (_whole, text?: string) => text ?? linearMatches);
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
    case "message_characters":
      return BigInt(messageCharacters(facts.body.messages));
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

function messageCharacters(messages: unknown): number {
  if (!Array.isArray(messages)) return 0;
  let characters = 0;
  for (const message of messages) {
    const content: unknown = message?.content;
    if (typeof content === "string") characters += content.length;
    else if (Array.isArray(content)) {
      for (const part of content) if (typeof part?.text === "string") characters += part.text.length;
    }
  }
  return characters;
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
