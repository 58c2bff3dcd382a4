import type { ChatCompletionRequest } from "intellirouter/plugin";
import type { AnswerTool } from "../anthropic/encode-format.ts";
import { calledFunctions, type FunctionTool, type ToolPlan } from "../hub/function-tools.ts";
import { given, type Loose } from "../hub/loose.ts";
import { toOutputSchema } from "../hub/output-schema.ts";
import { unsupported } from "../hub/refuse.ts";
import { cachePoint, type EncodeContext } from "./encode-context.ts";

/** Tools in the words of the Converse API. */
export interface EncodedTools {
  /** Undefined: there are none. */
  readonly config: Loose | undefined;
  /** Claude's own choice, which says more than the API's. */
  readonly nativeChoice?: Loose;
  readonly isForced: boolean;
  /** What the model is told because the API cannot force it. */
  readonly instruction?: string;
}

export interface ToolsContext extends Pick<EncodeContext, "traits" | "lose"> {
  readonly plan: ToolPlan;
  readonly answerTool: AnswerTool | undefined;
}

export function encodeTools(request: ChatCompletionRequest, context: ToolsContext): EncodedTools {
  const { plan, answerTool } = context;
  for (const { tool, field } of plan.natives) {
    throw unsupported(`${field}.type`, `This backend has no tools of type "${tool.type}".`);
  }
  const isSilent = plan.choice.mode === "none";
  const called = calledFunctions(request);
  if (answerTool !== undefined) return encodeAnswerTool(answerTool, isSilent, called, context);
  if (plan.functions.length === 0) return toolsOfHistory(called);
  if (!isSilent) return encodeChoice(encodeFunctions(plan.functions, context), context);
  if (called.length === 0) return { config: undefined, isForced: false };
  // There is no "none"; tools can be left out only where no earlier turn called any (wire §2).
  context.lose(
    "tool_choice",
    "approximated",
    "earlier calls need their tools; the model is told to call none",
  );
  return {
    config: { tools: encodeFunctions(plan.functions, context) },
    isForced: false,
    instruction: "Do not call any tool.",
  };
}

function encodeAnswerTool(
  { name, description, schema }: AnswerTool,
  isSilent: boolean,
  called: readonly string[],
  context: ToolsContext,
): EncodedTools {
  const { plan } = context;
  const answer = spec({ name, description, parameters: schema });
  const functions = isSilent && called.length === 0 ? [] : encodeFunctions(plan.functions, context);
  const isAlone = isSilent || functions.length === 0;
  const toolChoice = isAlone && context.traits.forcedTools === "named" ? { tool: { name } } : { any: {} };
  return { config: { tools: [...functions, answer], toolChoice }, isForced: true };
}

/** Earlier calls need their tools in the request, also where the model may call none. */
function toolsOfHistory(called: readonly string[]): EncodedTools {
  if (called.length === 0) return { config: undefined, isForced: false };
  const tools = called.map((name) => spec({ name, parameters: { type: "object" } }));
  return { config: { tools }, isForced: false, instruction: "Do not call any tool." };
}

function encodeChoice(tools: readonly Loose[], context: ToolsContext): EncodedTools {
  const { plan, traits, lose } = context;
  const { choice, single } = plan;
  const isClaude = traits.claude !== undefined;
  if (single && !isClaude) lose("parallel_tool_calls", "dropped", "the API cannot say it");
  const extra = { disable_parallel_tool_use: true };
  if (choice.mode === "auto" || choice.mode === "none") {
    const nativeChoice = single && isClaude ? { nativeChoice: { type: "auto", ...extra } } : {};
    return { config: { tools }, isForced: false, ...nativeChoice };
  }
  const name = choice.mode === "named" ? choice.name : undefined;
  if (traits.forcedTools === "no") {
    lose("tool_choice", "approximated", "this model cannot be forced to call a tool, it is told to");
    return {
      config: { tools },
      isForced: false,
      instruction: name === undefined
        ? "You must now call one of the tools. Do not answer in any other way."
        : `You must now call the tool "${name}". Do not answer in any other way.`,
    };
  }
  if (single && isClaude) {
    const native = name === undefined ? { type: "any" } : { type: "tool", name };
    return { config: { tools }, isForced: true, nativeChoice: { ...native, ...extra } };
  }
  if (name === undefined) return { config: { tools, toolChoice: { any: {} } }, isForced: true };
  if (traits.forcedTools === "named") {
    return { config: { tools, toolChoice: { tool: { name } } }, isForced: true };
  }
  // Where only some call can be forced, it is this one when there is no other.
  const only = encodeFunctions(plan.functions.filter((tool) => tool.name === name), context);
  return { config: { tools: only, toolChoice: { any: {} } }, isForced: true };
}

function encodeFunctions(functions: readonly FunctionTool[], context: ToolsContext): Loose[] {
  const { traits, lose } = context;
  return functions.flatMap((tool) => {
    const { name, description, parameters, strict, cacheControl, field } = tool;
    const output = strict && traits.structuredOutput ? toOutputSchema(parameters) : undefined;
    const isHeld = output !== undefined && !output.isOpen;
    if (strict && !isHeld) {
      lose(`${field}.function.strict`, "dropped", "the API cannot hold this call to its schema");
    } else if (isHeld && output.described.length > 0) {
      lose(`${field}.function.parameters`, "approximated", `told in words: ${output.described.join(", ")}`);
    }
    const made = spec({ name, description, parameters: isHeld ? output.schema : parameters, isHeld });
    return [made, ...cachePoint({ cache_control: cacheControl }, field, context)];
  });
}

function spec(tool: {
  readonly name: string;
  readonly description?: string | undefined;
  readonly parameters: Loose;
  readonly isHeld?: boolean;
}): Loose {
  return {
    toolSpec: {
      name: tool.name,
      ...given("description", tool.description),
      inputSchema: { json: tool.parameters },
      ...(tool.isHeld ? { strict: true } : {}),
    },
  };
}
