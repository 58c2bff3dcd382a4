import type { ChatCompletionRequest } from "../../schema/chat-completion.ts";
import type { ResponsesRequest, ResponseTool } from "../../schema/response.ts";
import { loseFields } from "./lose-fields.ts";
import { type ToChatOptions, unsupported } from "./to-chat-options.ts";

type Loose = Readonly<Record<string, unknown>>;
type ChatTool = NonNullable<ChatCompletionRequest["tools"]>[number];
type ReportLoss = ToChatOptions["reportLoss"];

/** The one argument of the function that stands for a tool whose input is plain text. */
export const customInput = "input";

/** What of a function is carried over; `type` is the same in both protocols. */
const carried = new Set(["type", "name", "description", "parameters", "strict"]);
const carriedOfCustom = new Set(["type", "name", "description", "format"]);

/** Names of the tools whose input is plain text. Chat backends know few of them, so they are asked for functions instead. */
export function customTools(request: ResponsesRequest): ReadonlySet<string> {
  return new Set((request.tools ?? []).flatMap(({ type, name }) => type === "custom" && name ? [name] : []));
}

/**
 * Tools, and which of them are to be called. A tool that runs at the vendor's servers is left out.
 *
 * @throws {UpstreamError} `unsupported` when the client insists on one of those.
 */
export function toolsToChat(
  request: ResponsesRequest,
  reportLoss: ReportLoss,
): Partial<ChatCompletionRequest> {
  const all = (request.tools ?? []).flatMap((tool, index) => toFunction(tool, `tools[${index}]`, reportLoss));
  const { tools, choice } = chosen(request, all);
  if (tools.length === 0) return {};
  return {
    tools,
    ...(choice === undefined ? {} : { tool_choice: choice }),
    ...(typeof request.parallel_tool_calls === "boolean"
      ? { parallel_tool_calls: request.parallel_tool_calls }
      : {}),
  };
}

function toFunction(tool: ResponseTool, place: string, reportLoss: ReportLoss): ChatTool[] {
  if (tool.type === "custom") {
    reportLoss({
      field: place,
      effect: "approximated",
      detail: "a tool that takes plain text is offered as a function with one text argument",
    });
    loseFields(tool, carriedOfCustom, place, reportLoss);
    return [{ type: "function", function: customFunction(tool) }];
  }
  if (tool.type !== "function") {
    reportLoss({ field: place, effect: "dropped", detail: `chat completions have no ${tool.type}` });
    return [];
  }
  loseFields(tool, carried, place, reportLoss);
  const { name, description, parameters, strict } = tool;
  return [{
    type: "function",
    function: {
      name,
      ...given("description", description),
      parameters: parameters ?? { type: "object", properties: {} },
      ...given("strict", strict),
    },
  }];
}

function customFunction({ name, description, format }: ResponseTool): Loose {
  const { type, syntax, definition } = (format ?? {}) as Loose;
  const grammar = type === "grammar"
    ? `The ${customInput} must follow this ${String(syntax)} grammar:\n${String(definition)}`
    : "";
  const said = [description, grammar].filter((text) => typeof text === "string" && text !== "").join("\n\n");
  return {
    name,
    ...(said === "" ? {} : { description: said }),
    parameters: {
      type: "object",
      properties: { [customInput]: { type: "string" } },
      required: [customInput],
      additionalProperties: false,
    },
  };
}

/** The tools that may be called, and whether one must be. */
function chosen(
  { tool_choice: choice, tools: asked }: ResponsesRequest,
  tools: ChatTool[],
): { readonly tools: ChatTool[]; readonly choice?: ChatCompletionRequest["tool_choice"] } {
  if (choice === undefined || choice === null) return { tools };
  if (typeof choice === "string") {
    if (choice === "required" && tools.length === 0 && asked?.length) throw noneLeft();
    return { tools, choice };
  }
  const { type, name } = choice as Loose;
  if (type === "function" || type === "custom") {
    return { tools, choice: { type: "function", function: { name } } };
  }
  if (type !== "allowed_tools") {
    throw unsupported("tool_choice", `This target has no ${String(type)}, which tool_choice asks for.`);
  }
  // Some backends know nothing of a choice among tools; all of them know fewer tools.
  const names = new Set(
    (Array.isArray(choice.tools) ? choice.tools as Loose[] : []).map((tool) => tool?.name),
  );
  const allowed = tools.filter(({ function: called }) => names.has((called as Loose).name));
  const mode = choice.mode === "required" ? "required" : "auto";
  if (mode === "required" && allowed.length === 0) throw noneLeft();
  return { tools: allowed, choice: mode };
}

function noneLeft() {
  return unsupported(
    "tool_choice",
    "tool_choice asks for a tool, and this target can call none of those given.",
  );
}

function given(field: string, value: unknown): Loose {
  return value === undefined || value === null ? {} : { [field]: value };
}
