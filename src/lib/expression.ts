import { type ASTNode, Environment } from "@marcbachmann/cel-js";
import { RE2JS } from "re2js";
import { didYouMeanSentence } from "./did-you-mean.ts";

export interface ExpressionOptions {
  /** What it is called in messages: `condition`. */
  readonly what: string;
  /** The variables and their CEL types. */
  readonly types: Readonly<Record<string, string>>;
  /** It must give true or false. */
  readonly isBoolean?: boolean;
  /** Functions beside those of CEL, by their signature: `string.chunks(int): list<string>`. */
  readonly functions?: Readonly<Record<string, (...given: never[]) => unknown>>;
}

/** A compiled CEL expression. */
export interface Expression {
  readonly source: string;
  mentions(variable: string): boolean;
  /** @throws {Error} in one line, when it cannot be told for these values. */
  evaluate(values: Readonly<Record<string, unknown>>): unknown;
}

/** Patterns longer than this are refused: a pattern may come from a request. */
const longestPattern = 1_000;

/**
 * CEL's own `matches` uses the runtime's regular expressions, which backtrack and, past a limit, silently report "no
 * match". A function of the same length takes its place, so that positions in error messages stay right.
 */
const linearMatches = "re2test";

/**
 * Compiles a CEL expression.
 *
 * @throws {Error} naming the place in the expression when it does not parse, uses an unknown variable or is of the wrong type.
 */
export function compileExpression(source: string, options: ExpressionOptions): Expression {
  const environment = createEnvironment(options);
  const program = parse(environment, source, options);
  const mentioned = new Set(nodesOf(program.ast).map((node) => node.op === "id" ? node.args : undefined));
  return {
    source,
    mentions: (variable) => mentioned.has(variable),
    evaluate(values) {
      try {
        return program({ ...values });
      } catch (error) {
        throw new Error(tidy(error).split("\n", 1)[0], { cause: error });
      }
    },
  };
}

function createEnvironment({ what, types, functions = {} }: ExpressionOptions): Environment {
  const environment = new Environment({ unlistedVariablesAreDyn: false });
  for (const [name, type] of Object.entries(types)) environment.registerVariable(name, type);
  const compiled = new Map<string, RE2JS>();
  const test = (text: string, pattern: string): boolean => {
    let expression = compiled.get(pattern);
    if (expression === undefined) {
      expression = compilePattern(pattern, what);
      if (compiled.size >= 100) compiled.clear();
      compiled.set(pattern, expression);
    }
    return expression.matcher(text).find();
  };
  environment.registerFunction(`string.${linearMatches}(string): bool`, test);
  environment.registerFunction(`${linearMatches}(string, string): bool`, test);
  for (const [signature, body] of Object.entries(functions)) environment.registerFunction(signature, body);
  return environment;
}

function parse(environment: Environment, source: string, { what, types, isBoolean }: ExpressionOptions) {
  let program: ReturnType<Environment["parse"]>;
  try {
    program = environment.parse(replaceMatches(source));
  } catch (error) {
    throw new Error(`The ${what} does not parse: ${tidy(error)}`, { cause: error });
  }
  const check = program.check();
  if (!check.valid) {
    const unknown = String(check.error?.message).match(/Unknown variable: (\w+)/)?.[1];
    const hint = unknown === undefined ? "" : didYouMeanSentence(unknown, Object.keys(types));
    throw new Error(`The ${what} is wrong: ${tidy(check.error).replace(/(?=\n|$)/, hint)}`);
  }
  if (isBoolean && check.type !== "bool" && check.type !== "dyn") {
    throw new Error(`The ${what} gives a value of type ${check.type}; it must be true or false.`);
  }
  checkPatterns(program.ast, what);
  return program;
}

/** Patterns that are written out are tried now, so that a wrong one is found when the configuration is loaded. */
function checkPatterns(ast: ASTNode, what: string): void {
  for (const node of nodesOf(ast)) {
    if (node.op !== "call" && node.op !== "rcall") continue;
    if (node.args[0] === "matches") {
      throw new Error(
        `The ${what} is wrong: \`matches\` stands behind an unpaired quote, as in a comment; write it without comments.`,
      );
    }
    const pattern = node.args[0] === linearMatches ? node.args.at(-1) : undefined;
    const literal = Array.isArray(pattern) ? pattern.at(-1) : undefined;
    if (literal?.op === "value" && typeof literal.args === "string") compilePattern(literal.args, what);
  }
}

function compilePattern(pattern: string, what: string): RE2JS {
  if (pattern.length > longestPattern) {
    throw new Error(`The ${what} is wrong: a pattern may have at most ${longestPattern} characters.`);
  }
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    throw new Error(
      `The ${what} is wrong: the pattern ${JSON.stringify(pattern)} does not parse: ${tidy(error)}`,
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

function tidy(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replaceAll(linearMatches, "matches").trim();
}
