import type { ChatCompletionRequest } from "intellirouter/plugin";
import { type FunctionTool, readTools, type ToolPlan } from "../hub/function-tools.ts";
import { asObject, given, isObject, type Loose } from "../hub/loose.ts";
import { unsupported } from "../hub/refuse.ts";
import type { EncodeContext } from "./encode-context.ts";
import { toApiSchema } from "./encode-schema.ts";

/** Tools that run at Google's, by the words that clients have for them. */
const ownTools: Readonly<Record<string, string>> = {
  google_search: "googleSearch",
  web_search: "googleSearch",
  web_search_preview: "googleSearch",
  google_search_retrieval: "googleSearchRetrieval",
  enterprise_web_search: "enterpriseWebSearch",
  google_maps: "googleMaps",
  url_context: "urlContext",
  code_execution: "codeExecution",
  code_interpreter: "codeExecution",
  file_search: "fileSearch",
  computer_use: "computerUse",
};

/** Tools in Gemini's words: fields of the body. */
export interface EncodedTools {
  readonly fields: Loose;
  readonly hasFunctions: boolean;
}

export function encodeTools(request: ChatCompletionRequest, context: EncodeContext): EncodedTools {
  const plan = readTools(request);
  const { traits, dialect, lose } = context;
  const own = [
    ...plan.natives.map(({ tool, field }) => encodeOwn(tool, field)),
    ...webSearch(request, context),
  ];
  const hasFunctions = plan.functions.length > 0;
  if (hasFunctions && own.length > 0 && !traits.combinesTools) {
    throw unsupported("tools", "This model takes functions or Google's own tools, not both at once.");
  }
  if (plan.single && hasFunctions) {
    lose("parallel_tool_calls", "dropped", "the API has no way to ask for one call at a time");
  }
  const declarations = plan.functions.map((tool) => declare(tool, context));
  const tools = [...(hasFunctions ? [{ functionDeclarations: declarations }] : []), ...own];
  // Of both together the API insists on telling what its own tools did (ai.google.dev, "Tool combination").
  const tells = hasFunctions && own.length > 0 && dialect.callIds;
  const calling = hasFunctions ? callingConfig(plan, own.length > 0) : undefined;
  const config = {
    ...given("functionCallingConfig", calling),
    ...(tells ? { includeServerSideToolInvocations: true } : {}),
  };
  return {
    hasFunctions,
    fields: {
      ...(tools.length === 0 ? {} : { tools }),
      ...(Object.keys(config).length === 0 ? {} : { toolConfig: config }),
    },
  };
}

function declare(
  { name, description, parameters, cacheControl, field }: FunctionTool,
  { lose }: EncodeContext,
): Loose {
  if (cacheControl !== undefined) {
    lose(`${field}.cache_control`, "dropped", "the API caches by itself, and knows no marks");
  }
  // An object without properties is refused; a function without parameters has none (litellm#18442).
  const isEmpty = Object.keys(asObject(parameters.properties)).length === 0 &&
    parameters.$ref === undefined &&
    !parameters.additionalProperties;
  return {
    name,
    ...given("description", description),
    ...(isEmpty ? {} : { parametersJsonSchema: toApiSchema(parameters) }),
  };
}

/** Calls keep to their schemas where one is forced, and where the mode is VALIDATED. */
function callingConfig({ choice, functions }: ToolPlan, hasOwn: boolean): Loose | undefined {
  switch (choice.mode) {
    case "none":
      return { mode: "NONE" };
    case "required":
      return { mode: "ANY" };
    case "named":
      return { mode: "ANY", allowedFunctionNames: [choice.name] };
    case "auto":
      return hasOwn || functions.some(({ strict }) => strict) ? { mode: "VALIDATED" } : undefined;
  }
}

/** `{"type":"google_search"}` with or without settings under that name, or a tool in the API's own words. */
function encodeOwn(tool: Loose, field: string): Loose {
  const type = String(tool.type);
  const name = Object.hasOwn(ownTools, type) ? ownTools[type]! : type;
  if (name === type && !Object.values(ownTools).includes(type)) {
    throw unsupported(`${field}.type`, `This backend has no tools of type "${type}".`);
  }
  const settings = tool[type] ?? tool[name];
  return { [name]: isObject(settings) ? settings : {} };
}

/** OpenAI's way to ask for a search of the web. */
function webSearch(
  { web_search_options: options, tools }: ChatCompletionRequest,
  { lose }: EncodeContext,
): Loose[] {
  if (!isObject(options)) return [];
  const { search_context_size: size, user_location: location } = options;
  if (typeof size === "string" && size !== "medium") {
    lose("web_search_options.search_context_size", "approximated", "Google's search has one size");
  }
  if (isObject(location)) {
    lose("web_search_options.user_location", "dropped", "Google's search takes no place by its name");
  }
  const isThere = tools?.some(({ type }) => ownTools[type] === "googleSearch") ?? false;
  return isThere ? [] : [{ googleSearch: {} }];
}
