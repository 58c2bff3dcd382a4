import type { ChatCompletionRequest } from "intellirouter/plugin";
import { asObject, isObject, type Loose, objectsOf } from "./loose.ts";
import { invalid } from "./refuse.ts";

/** A function that the model may call. */
export interface FunctionTool {
  readonly name: string;
  readonly description: string | undefined;
  /** A JSON schema whose type is `object`. */
  readonly parameters: Loose;
  readonly strict: boolean;
  readonly cacheControl: Loose | undefined;
  /** Its place in the request. */
  readonly field: string;
}

/** A tool that is no function: the backend's own, in the backend's own words. */
export interface NativeTool {
  readonly tool: Loose;
  readonly field: string;
}

export type ToolChoice =
  | { readonly mode: "auto" | "none" | "required" }
  | { readonly mode: "named"; readonly name: string };

/** What a request says of tools. */
export interface ToolPlan {
  readonly functions: readonly FunctionTool[];
  readonly natives: readonly NativeTool[];
  readonly choice: ToolChoice;
  /** At most one call in an answer. */
  readonly single: boolean;
}

/** @throws {UpstreamError} where tools are malformed, of a kind that only one vendor has, or chosen without being there. */
export function readTools(request: ChatCompletionRequest): ToolPlan {
  const functions: FunctionTool[] = [];
  const natives: NativeTool[] = [];
  (request.tools ?? []).forEach((tool, index) => {
    const field = `tools[${index}]`;
    if (tool.type === "function") functions.push(readFunction(tool, field));
    else natives.push({ tool, field });
  });
  const { choice, allowed } = readChoice(request.tool_choice);
  const offered = allowed === undefined ? functions : functions.filter(({ name }) => allowed.has(name));
  for (const name of allowed ?? []) requireFunction(functions, name);
  if (choice.mode === "named") requireFunction(functions, choice.name);
  if (choice.mode === "required" && offered.length + natives.length === 0) {
    throw invalid("tool_choice", "A tool call is required and there are no tools.");
  }
  return { functions: offered, natives, choice, single: request.parallel_tool_calls === false };
}

function readFunction(tool: Loose, field: string): FunctionTool {
  const { name, description, parameters, strict } = asObject(tool.function);
  if (typeof name !== "string" || name === "") {
    throw invalid(`${field}.function.name`, "A function needs a name.", "missing_required_parameter");
  }
  const schema = isObject(parameters) ? parameters : { properties: {} };
  const cacheControl = tool.cache_control ?? asObject(tool.function).cache_control;
  return {
    name,
    description: typeof description === "string" && description !== "" ? description : undefined,
    parameters: { ...schema, type: "object" },
    strict: strict === true,
    cacheControl: isObject(cacheControl) ? cacheControl : undefined,
    field,
  };
}

function readChoice(
  value: ChatCompletionRequest["tool_choice"],
): { readonly choice: ToolChoice; readonly allowed?: ReadonlySet<string> } {
  if (value === undefined || value === null || value === "auto") return { choice: { mode: "auto" } };
  if (value === "none") return { choice: { mode: "none" } };
  if (value === "required" || value === "any") return { choice: { mode: "required" } };
  if (typeof value === "object") {
    if (value.type === "function") {
      const name = asObject(value.function).name ?? value.name;
      if (typeof name === "string") return { choice: { mode: "named", name } };
    }
    if (value.type === "allowed_tools") {
      const { mode, tools } = isObject(value.allowed_tools) ? value.allowed_tools : value;
      const names = objectsOf(tools).map((tool) => String(asObject(tool.function).name ?? tool.name));
      return { choice: { mode: mode === "required" ? "required" : "auto" }, allowed: new Set(names) };
    }
  }
  throw invalid("tool_choice", "This is no choice of tools.");
}

function requireFunction(functions: readonly FunctionTool[], name: string): void {
  if (functions.some((tool) => tool.name === name)) return;
  throw invalid("tool_choice", `The function "${name}" is chosen and not among the tools.`);
}

/** Names of the functions that earlier turns called; some backends want them declared. */
export function calledFunctions(request: ChatCompletionRequest): readonly string[] {
  const names = request.messages.flatMap(({ tool_calls: calls }) =>
    (calls ?? []).flatMap((call) => call.function === undefined ? [] : [call.function.name])
  );
  return [...new Set(names)];
}
