import type { ChatCompletionRequest } from "intellirouter/plugin";
import type { ToolPlan } from "../hub/function-tools.ts";
import { asText, isObject, type Loose } from "../hub/loose.ts";
import type { Lose } from "../hub/losses.ts";
import { toOutputSchema, withDescription } from "../hub/output-schema.ts";
import { unsupported } from "../hub/refuse.ts";
import type { ModelTraits } from "./model-traits.ts";
import type { ClaudeOptions } from "./options.ts";

/** How the answer is held to a form: one of these, or none. */
export interface FormatPlan {
  /** The schema, for the API's own feature. */
  readonly schema?: Loose;
  /** A tool that the model must call; its input is the answer. */
  readonly answerTool?: AnswerTool;
  /** For the system prompt. */
  readonly instruction?: string;
}

export interface AnswerTool {
  readonly name: string;
  readonly description: string;
  readonly schema: Loose;
}

export interface FormatContext {
  readonly traits: Pick<ModelTraits, "structuredOutput" | "forcedTools">;
  readonly options: Pick<ClaudeOptions, "structured_output">;
  readonly tools: ToolPlan;
  readonly lose: Lose;
}

const field = "response_format";
const schemaField = "response_format.json_schema.schema";

export function planFormat(request: ChatCompletionRequest, context: FormatContext): FormatPlan {
  const { response_format: format } = request;
  if (!format || format.type === "text") return {};
  if (format.type !== "json_object" && format.type !== "json_schema") {
    throw unsupported(`${field}.type`, `This backend has no answers in the form "${format.type}".`);
  }
  const definition = isObject(format.json_schema) ? format.json_schema : {};
  const { schema } = definition;
  if (format.type === "json_object" || !isObject(schema)) {
    context.lose(field, "approximated", "the API wants a schema; the model is told to answer in JSON");
    return { instruction: "Answer with one JSON object and nothing else: no other words, no code fence." };
  }
  // A forced call of a real tool is the answer, and has a schema of its own.
  const { mode } = context.tools.choice;
  if (mode === "required" || mode === "named") return {};
  return planSchema(schema, definition, context);
}

function planSchema(schema: Loose, definition: Loose, context: FormatContext): FormatPlan {
  const { traits, options, lose } = context;
  const output = toOutputSchema(schema);
  const canForce = traits.forcedTools && schema.type === "object";
  const isNative = options.structured_output === "native" ||
    (traits.structuredOutput && !(canForce && (options.structured_output === "tool" || output.isOpen)));
  if (isNative) {
    if (output.isOpen) lose(schemaField, "approximated", "it allows any keys, and the API closes objects");
    else if (output.described.length > 0) {
      lose(schemaField, "approximated", `told in words: ${output.described.join(", ")}`);
    }
    return { schema: output.schema };
  }
  if (canForce) return { answerTool: answerTool(schema, definition, context.tools) };
  lose(field, "approximated", "this model holds to no schema; the model is told of it");
  return {
    instruction: "Answer with one JSON value that fits this JSON schema, and nothing else: no other words, " +
      `no code fence.\n${JSON.stringify(withDescription(schema, definition.description))}`,
  };
}

function answerTool(schema: Loose, definition: Loose, { functions }: ToolPlan): AnswerTool {
  const asked = asText(definition.name).replace(/[^\w-]/g, "_").slice(0, 60) || "answer";
  let name = asked;
  while (functions.some((tool) => tool.name === name)) name += "_";
  return { name, description: asText(definition.description) || "Gives the answer.", schema };
}
