import type { ChatCompletionRequest, ChatMessage } from "../../schema/chat-completion.ts";
import type { MessagesRequest } from "../../schema/message.ts";
import { toChatMessages } from "./messages-to-chat.ts";
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
  const functions = (tools ?? []).flatMap((tool, index) => toFunction(tool, `tools[${index}]`, reportLoss));
  return {
    model: request.model,
    messages: [...systemMessage(system), ...toChatMessages(request.messages, options)],
    ...given("max_completion_tokens", request.max_tokens),
    ...given("stream", request.stream),
    ...given("temperature", request.temperature),
    ...given("top_p", request.top_p),
    ...given("top_k", request.top_k),
    ...(stops && stops.length > 0 ? { stop: stops.slice(0, mostStops) } : {}),
    ...given("user", request.metadata?.user_id),
    ...(functions.length > 0 ? { tools: functions } : {}),
    ...toolChoice(choice, functions.length > 0),
    ...given("reasoning_effort", effort),
    ...responseFormat(output),
  };
}

function systemMessage(system: MessagesRequest["system"]): ChatMessage[] {
  if (system === undefined || system === null || system.length === 0) return [];
  if (typeof system === "string") return [{ role: "system", content: system }];
  const parts = system.filter((block) => block.type === "text");
  const marked = parts.some((block) => block.cache_control);
  return [{
    role: "system",
    content: marked
      ? parts.map((block) => ({ ...block, type: "text" as const, text: String(block.text ?? "") }))
      : parts.map((block) => String(block.text ?? "")).join("\n\n"),
  }];
}

function toFunction(tool: Loose, field: string, reportLoss: ToChatOptions["reportLoss"]): { type: string }[] {
  const { type, name, description, input_schema: parameters, cache_control: cacheControl, strict } = tool;
  if (parameters === undefined && typeof type === "string" && type !== "custom") {
    drop(reportLoss, field, `${type} runs at Anthropic's servers only`);
    return [];
  }
  return [{
    type: "function",
    function: {
      name,
      ...given("description", description),
      parameters: parameters ?? { type: "object", properties: {} },
      ...given("strict", strict),
    },
    ...given("cache_control", cacheControl),
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
  if (!thinking || thinking.type === "disabled") return undefined;
  const budget = thinking.budget_tokens ?? 8_192;
  return budget <= 4_096 ? "low" : budget <= 16_384 ? "medium" : "high";
}

function responseFormat(output: MessagesRequest["output_config"]): Partial<ChatCompletionRequest> {
  const format = output?.format as Loose | null | undefined;
  if (format?.type !== "json_schema") return {};
  return {
    response_format: {
      type: "json_schema",
      json_schema: { name: String(format.name ?? "answer"), schema: format.schema, strict: true },
    },
  };
}

function given(field: string, value: unknown): Record<string, unknown> {
  return value === undefined || value === null ? {} : { [field]: value };
}

function drop(reportLoss: ToChatOptions["reportLoss"], field: string, detail: string): void {
  reportLoss({ field, effect: "dropped", detail });
}
