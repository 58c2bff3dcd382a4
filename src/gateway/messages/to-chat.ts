import { UpstreamError } from "../../plugin/api/upstream-error.ts";
import type { ChatCompletionRequest, ChatMessage } from "../../schema/chat-completion.ts";
import type { MessagesRequest } from "../../schema/message.ts";
import { loseFields, marksOf, toChatMessages } from "./messages-to-chat.ts";
import type { ToChatOptions } from "./to-chat-options.ts";

type Loose = Readonly<Record<string, unknown>>;

/** Fields that are carried over; any other is a loss. */
const carried = new Set([
  "model",
  "messages",
  "system",
  "max_tokens",
  "stream",
  "stop_sequences",
  "temperature",
  "top_p",
  "top_k",
  "metadata",
  "tools",
  "tool_choice",
  "thinking",
  "output_config",
  "service_tier",
]);

/** OpenAI's limit of stop sequences. */
const mostStops = 4;

/** A request of Anthropic's Messages protocol as a chat completion; the given one is not changed. */
export function messagesToChat(request: MessagesRequest, options: ToChatOptions): ChatCompletionRequest {
  const { reportLoss } = options;
  for (const field of Object.keys(request)) {
    if (!carried.has(field) && request[field] !== null) {
      drop(reportLoss, field, "chat completions have no such field");
    }
  }
  const { system, stop_sequences: stops, tools, tool_choice: choice, thinking, output_config: output } =
    request;
  if (stops && stops.length > mostStops) {
    drop(
      reportLoss,
      `stop_sequences[${mostStops}]`,
      `chat completions stop at ${mostStops} sequences at most`,
    );
  }
  const effort = reasoningEffort(thinking, output);
  if (effort !== undefined && typeof thinking?.budget_tokens === "number") {
    reportLoss({
      field: "thinking.budget_tokens",
      effect: "approximated",
      detail: `sent as reasoning effort ${effort}`,
    });
  }
  if (request.max_tokens === 0) {
    throw new UpstreamError({
      kind: "unsupported",
      code: "unsupported_value",
      param: "max_tokens",
      message:
        "An answer without tokens, which only fills a cache, is known to Anthropic's own protocol alone.",
    });
  }
  loseSettings(request, options);
  const functions = (tools ?? []).flatMap((tool, index) => toFunction(tool, `tools[${index}]`, options));
  return {
    model: request.model,
    messages: [...systemMessage(system, options), ...toChatMessages(request.messages, options)],
    ...given("max_completion_tokens", request.max_tokens),
    ...given("stream", request.stream),
    ...given("temperature", request.temperature),
    ...given("top_p", request.top_p),
    ...given("top_k", request.top_k),
    ...(stops && stops.length > 0 ? { stop: stops.slice(0, mostStops) } : {}),
    ...given("user", request.metadata?.user_id),
    ...serviceTier(request.service_tier),
    ...(functions.length > 0 ? { tools: functions } : {}),
    ...toolChoice(choice, functions.length > 0),
    ...given("reasoning_effort", effort),
    ...responseFormat(output, options),
  };
}

/** What the settings of a request say beyond what chat completions can be told. */
function loseSettings(
  { metadata, thinking, output_config: output }: MessagesRequest,
  options: ToChatOptions,
): void {
  loseFields(metadata ?? {}, ["user_id"], "metadata", options);
  const isJson = (output?.format as Loose | null | undefined)?.type === "json_schema";
  loseFields(output ?? {}, isJson ? ["effort", "format"] : ["effort"], "output_config", options);
  if (thinking?.type === "disabled") {
    drop(options.reportLoss, "thinking", "whether this backend thinks is its own");
  } else if (thinking && thinking.type !== "enabled" && typeof output?.effort !== "string") {
    options.reportLoss({
      field: "thinking",
      effect: "approximated",
      detail: "whether, when and how much this backend thinks is its own",
    });
    loseFields(thinking, ["type"], "thinking", options);
  } else loseFields(thinking ?? {}, ["type", "budget_tokens"], "thinking", options);
}

function serviceTier(tier: unknown): Partial<ChatCompletionRequest> {
  return tier === "auto"
    ? { service_tier: "auto" }
    : tier === "standard_only"
    ? { service_tier: "default" }
    : {};
}

function systemMessage(system: MessagesRequest["system"], options: ToChatOptions): ChatMessage[] {
  if (system === undefined || system === null || system.length === 0) return [];
  if (typeof system === "string") return [{ role: "system", content: system }];
  const parts = system.flatMap((block, index) => {
    if (block.type === "text") {
      loseFields(block, ["type", "text", "cache_control"], `system[${index}]`, options);
      return [{ type: "text" as const, text: String(block.text ?? ""), ...marksOf(block, options) }];
    }
    drop(options.reportLoss, `system[${index}]`, `a system message has no ${block.type}`);
    return [];
  });
  const marked = parts.some((part) => "cache_control" in part);
  return [{ role: "system", content: marked ? parts : parts.map(({ text }) => text).join("\n\n") }];
}

const carriedOfTools = ["type", "name", "description", "input_schema", "cache_control", "strict"];

function toFunction(tool: Loose, field: string, options: ToChatOptions): { type: string }[] {
  const { type, name, description, input_schema: parameters, strict } = tool;
  if (parameters === undefined && typeof type === "string" && type !== "custom") {
    drop(options.reportLoss, field, `${type} runs at Anthropic's servers only`);
    return [];
  }
  loseFields(tool, carriedOfTools, field, options, "functions of chat completions have no such field");
  return [{
    type: "function",
    function: {
      name,
      ...given("description", description),
      parameters: parameters ?? { type: "object", properties: {} },
      ...given("strict", strict),
    },
    ...marksOf(tool, options),
  } as { type: string }];
}

function toolChoice(choice: Loose | null | undefined, hasTools: boolean): Partial<ChatCompletionRequest> {
  if (!choice || !hasTools) return {};
  const parallel = choice.disable_parallel_tool_use === true ? { parallel_tool_calls: false } : {};
  switch (choice.type) {
    case "any":
      return { tool_choice: "required", ...parallel };
    case "none":
      return { tool_choice: "none" };
    case "tool":
      return { tool_choice: { type: "function", function: { name: choice.name } }, ...parallel };
    default:
      return { tool_choice: "auto", ...parallel };
  }
}

/** Budgets as the efforts that other vendors' documentation gives for about as many tokens. */
function reasoningEffort(
  thinking: MessagesRequest["thinking"],
  output: MessagesRequest["output_config"],
): string | undefined {
  const effort = output?.effort;
  if (typeof effort === "string") return effort;
  // An adaptive model decides for itself, and so does the backend.
  const budget = thinking?.type === "enabled" ? thinking.budget_tokens : undefined;
  if (typeof budget !== "number") return undefined;
  return budget <= 4_096 ? "low" : budget <= 16_384 ? "medium" : "high";
}

function responseFormat(
  output: MessagesRequest["output_config"],
  { reportLoss }: ToChatOptions,
): Partial<ChatCompletionRequest> {
  const format = output?.format as Loose | null | undefined;
  if (format?.type !== "json_schema") return {};
  const strict = isStrict(format.schema);
  if (!strict) {
    reportLoss({
      field: "output_config.format.schema",
      effect: "approximated",
      detail: "strict schemas of chat completions require every property and forbid others; sent as a wish",
    });
  }
  return {
    response_format: {
      type: "json_schema",
      json_schema: { name: String(format.name ?? "answer"), schema: format.schema, strict },
    },
  };
}

/** OpenAI's rules for strict schemas: every object closed, every property required. */
function isStrict(schema: unknown): boolean {
  if (Array.isArray(schema)) return schema.every(isStrict);
  if (typeof schema !== "object" || schema === null) return true;
  const { properties, required, additionalProperties } = schema as Loose;
  if (typeof properties === "object" && properties !== null) {
    const names = Array.isArray(required) ? required : [];
    if (additionalProperties !== false || !Object.keys(properties).every((name) => names.includes(name))) {
      return false;
    }
  }
  return Object.values(schema).every(isStrict);
}

function given(field: string, value: unknown): Record<string, unknown> {
  return value === undefined || value === null ? {} : { [field]: value };
}

function drop(reportLoss: ToChatOptions["reportLoss"], field: string, detail: string): void {
  reportLoss({ field, effect: "dropped", detail });
}
