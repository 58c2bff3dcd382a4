import type { ChatCompletionRequest } from "intellirouter/plugin";
import { calledFunctions, type FunctionTool, type ToolPlan } from "../hub/function-tools.ts";
import { asObject, given, isObject, type Loose } from "../hub/loose.ts";
import type { Lose } from "../hub/losses.ts";
import { toOutputSchema } from "../hub/output-schema.ts";
import { invalid, unsupported } from "../hub/refuse.ts";
import type { AnswerTool } from "./encode-format.ts";
import type { ModelTraits } from "./model-traits.ts";

/** Tools in Anthropic's words. */
export interface EncodedTools {
  readonly tools: readonly Loose[];
  readonly choice: Loose | undefined;
  readonly isForced: boolean;
  /** What the model is told because the API cannot force it. */
  readonly instruction?: string;
}

export interface ToolsContext {
  readonly traits: Pick<ModelTraits, "structuredOutput" | "forcedTools">;
  readonly plan: ToolPlan;
  readonly answerTool: AnswerTool | undefined;
  readonly lose: Lose;
}

/** The API holds at most so many tools to their schemas in one request. */
const mostStrictTools = 20;

export function encodeTools(request: ChatCompletionRequest, context: ToolsContext): EncodedTools {
  const { plan, answerTool } = context;
  const isSilent = plan.choice.mode === "none";
  const tools: Loose[] = [
    ...encodeFunctions(plan.functions, context),
    ...plan.natives.map(({ tool, field }) => checkNative(tool, field)),
    ...webSearch(request, context),
  ];
  if (answerTool !== undefined) {
    const { name, description, schema } = answerTool;
    const answer = { name, description, input_schema: schema };
    if (isSilent || tools.length === 0) return forced([answer], { type: "tool", name });
    return forced([...tools, answer], { type: "any" });
  }
  if (tools.length === 0) return toolsOfHistory(request);
  if (isSilent) return { tools, choice: { type: "none" }, isForced: false };
  return { tools, ...encodeChoice(context) };
}

function forced(tools: readonly Loose[], choice: Loose): EncodedTools {
  // Of several answers only one could be told.
  return { tools, choice: { ...choice, disable_parallel_tool_use: true }, isForced: true };
}

function encodeChoice({ plan, traits, lose }: ToolsContext): Omit<EncodedTools, "tools"> {
  const { choice, single } = plan;
  const extra = single ? { disable_parallel_tool_use: true } : {};
  if (choice.mode === "auto" || choice.mode === "none") {
    return { choice: single ? { type: "auto", ...extra } : undefined, isForced: false };
  }
  if (traits.forcedTools) {
    const made = choice.mode === "named" ? { type: "tool", name: choice.name } : { type: "any" };
    return { choice: { ...made, ...extra }, isForced: true };
  }
  lose("tool_choice", "approximated", "this model cannot be forced to call a tool, it is told to");
  return {
    choice: { type: "auto", ...extra },
    isForced: false,
    instruction: choice.mode === "named"
      ? `You must now call the tool "${choice.name}". Do not answer in any other way.`
      : "You must now call one of the tools. Do not answer in any other way.",
  };
}

/** Calls in earlier turns need tools in the request, also where the model may call none. */
function toolsOfHistory(request: ChatCompletionRequest): EncodedTools {
  const tools = calledFunctions(request).map((name) => ({ name, input_schema: { type: "object" } }));
  return { tools, choice: tools.length === 0 ? undefined : { type: "none" }, isForced: false };
}

function encodeFunctions(functions: readonly FunctionTool[], context: ToolsContext): Loose[] {
  const { traits, lose } = context;
  const holds = traits.structuredOutput &&
    functions.filter(({ strict }) => strict).length <= mostStrictTools;
  return functions.map((tool) => {
    const { name, description, cacheControl, field } = tool;
    const output = tool.strict && holds ? toOutputSchema(tool.parameters) : undefined;
    const isHeld = output !== undefined && !output.isOpen;
    if (tool.strict && !isHeld) {
      lose(`${field}.function.strict`, "dropped", "the API cannot hold this call to its schema");
    } else if (isHeld && output.described.length > 0) {
      lose(`${field}.function.parameters`, "approximated", `told in words: ${output.described.join(", ")}`);
    }
    return {
      name,
      ...given("description", description),
      input_schema: isHeld ? output.schema : tool.parameters,
      ...(isHeld ? { strict: true } : {}),
      ...given("cache_control", cacheControl),
    };
  });
}

/** Tools that run at Anthropic's, or that its models know by heart, carry a date in their type: `web_search_20250305`. */
function checkNative(tool: Loose, field: string): Loose {
  if (/_\d{8}$/.test(String(tool.type)) || isObject(tool.input_schema)) return tool;
  throw unsupported(`${field}.type`, `This backend has no tools of type "${tool.type}".`);
}

/** OpenAI's way to ask for a search of the web, by Anthropic's own tool. */
function webSearch(request: ChatCompletionRequest, { plan, lose }: ToolsContext): Loose[] {
  const { web_search_options: options } = request;
  if (!isObject(options)) return [];
  const name = "web_search";
  if (plan.functions.some((tool) => tool.name === name)) {
    throw invalid("web_search_options", `A function of the name "${name}" is among the tools.`);
  }
  if (options.search_context_size !== undefined && options.search_context_size !== "medium") {
    lose("web_search_options.search_context_size", "approximated", "the search has one size");
  }
  const location = asObject(options.user_location);
  const place = isObject(location.approximate) ? location.approximate : location;
  const { city, country, region, timezone } = place;
  const known = {
    ...given("city", city),
    ...given("country", country),
    ...given("region", region),
    ...given("timezone", timezone),
  };
  const hasPlace = Object.keys(known).length > 0;
  return [{
    type: "web_search_20250305",
    name,
    ...(hasPlace ? { user_location: { type: "approximate", ...known } } : {}),
  }];
}
