import { isCredentialHeader } from "../lib/credential-headers.ts";
import { compileExpression } from "../lib/expression.ts";
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

/**
 * Compiles a CEL condition.
 *
 * @throws {Error} naming the place in the expression when it does not parse, uses an unknown variable or is not boolean.
 */
export function compileCondition(source: string): Condition {
  const expression = compileExpression(source, {
    what: "condition",
    types: Object.fromEntries(Object.entries(conditionVariables).map(([name, { type }]) => [name, type])),
    isBoolean: true,
  });
  const names = (Object.keys(conditionVariables) as VariableName[]).filter((name) =>
    expression.mentions(name)
  );
  return {
    source,
    test(facts, nowMs) {
      const context: Record<string, unknown> = {};
      for (const name of names) context[name] = valueOf(name, facts, nowMs);
      try {
        return expression.evaluate(context) === true;
      } catch (error) {
        return (error as Error).message;
      }
    },
  };
}

function valueOf(name: VariableName, facts: RequestFacts, nowMs: number): unknown {
  switch (name) {
    case "request":
      return facts.body;
    case "model":
      return facts.model;
    case "headers":
      return Object.fromEntries([...facts.headers].filter(([header]) => !isCredentialHeader(header)));
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
