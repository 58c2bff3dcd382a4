import type { ChatCompletionRequest } from "../../schema/chat-completion.ts";
import type { ResponsesRequest } from "../../schema/response.ts";
import { itemsToChat } from "./items-to-chat.ts";
import { type ToChatOptions, unsupported } from "./to-chat-options.ts";
import { toolsToChat } from "./tools-to-chat.ts";

type Loose = Readonly<Record<string, unknown>>;
type ReportLoss = ToChatOptions["reportLoss"];

/** Fields of the same name and meaning in both protocols. */
const same = [
  "stream",
  "temperature",
  "top_p",
  "presence_penalty",
  "frequency_penalty",
  "user",
  "safety_identifier",
  "prompt_cache_key",
  "prompt_cache_retention",
  "prompt_cache_options",
  "service_tier",
];

/** Fields that are carried over in another form, or that the gateway itself honours; any other is a loss. */
const carried = new Set([
  ...same,
  "model",
  "input",
  "instructions",
  "previous_response_id",
  "conversation",
  "store",
  "metadata",
  "background",
  "stream_options",
  "tools",
  "tool_choice",
  "parallel_tool_calls",
  "text",
  "reasoning",
  "max_output_tokens",
  "top_logprobs",
  "include",
]);

/**
 * A request of the Responses protocol, with all of its conversation, as a chat completion; the given one is not changed.
 *
 * @throws {UpstreamError} `unsupported` for what an answer would be wrong without.
 */
export function responsesToChat(request: ResponsesRequest, options: ToChatOptions): ChatCompletionRequest {
  const { reportLoss } = options;
  if (request.prompt) {
    throw unsupported("prompt", "Prompt templates are kept at their vendor; this target cannot read them.");
  }
  for (const field of Object.keys(request)) {
    const value = request[field];
    const isDefault = value === null || (field === "truncation" && value === "disabled");
    if (!carried.has(field) && !isDefault) drop(reportLoss, field, "chat completions have no such field");
  }
  return {
    model: request.model,
    messages: itemsToChat(request.instructions, request.input, options),
    ...Object.fromEntries(
      same.flatMap((field) =>
        request[field] === undefined || request[field] === null ? [] : [[field, request[field]]]
      ),
    ),
    ...given("max_completion_tokens", request.max_output_tokens),
    ...toolsToChat(request, reportLoss),
    ...textFields(request.text, reportLoss),
    ...reasoningFields(request.reasoning, reportLoss),
    ...logprobFields(request, reportLoss),
  };
}

function textFields(text: ResponsesRequest["text"], reportLoss: ReportLoss): Partial<ChatCompletionRequest> {
  const { format, verbosity } = text ?? {};
  return { ...given("verbosity", verbosity), ...responseFormat(format, reportLoss) };
}

function responseFormat(
  format: Loose | null | undefined,
  reportLoss: ReportLoss,
): Partial<ChatCompletionRequest> {
  if (!format) return {};
  switch (format.type) {
    case "text":
      return {};
    case "json_object":
      return { response_format: { type: "json_object" } };
    case "json_schema":
      return {
        response_format: {
          type: "json_schema",
          json_schema: {
            name: typeof format.name === "string" ? format.name : "response",
            ...given("description", format.description),
            ...given("schema", format.schema),
            ...given("strict", format.strict),
          },
        },
      };
    default:
      drop(reportLoss, "text.format", `chat completions have no answers of the form ${String(format.type)}`);
      return {};
  }
}

function reasoningFields(
  reasoning: ResponsesRequest["reasoning"],
  reportLoss: ReportLoss,
): Partial<ChatCompletionRequest> {
  if (!reasoning) return {};
  const { effort, summary, generate_summary: oldSummary, ...others } = reasoning;
  for (const field of Object.keys(others)) {
    if (others[field] !== null) drop(reportLoss, `reasoning.${field}`, "chat completions have no such field");
  }
  if (summary || oldSummary) {
    reportLoss({
      field: "reasoning.summary",
      effect: "approximated",
      detail: "chat completions make no summaries; what the backend tells of its reasoning is given instead",
    });
  }
  return given("reasoning_effort", effort);
}

function logprobFields(request: ResponsesRequest, reportLoss: ReportLoss): Partial<ChatCompletionRequest> {
  let asked = (request.top_logprobs ?? 0) > 0;
  (request.include ?? []).forEach((name, index) => {
    if (name === "message.output_text.logprobs") asked = true;
    // Reasoning that must come back unchanged is given in any case.
    else if (name !== "reasoning.encrypted_content") {
      drop(reportLoss, `include[${index}]`, `chat completions have no ${name}`);
    }
  });
  if (!asked) return {};
  return { logprobs: true, ...(request.top_logprobs ? { top_logprobs: request.top_logprobs } : {}) };
}

function given(field: string, value: unknown): Record<string, unknown> {
  return value === undefined || value === null ? {} : { [field]: value };
}

function drop(reportLoss: ReportLoss, field: string, detail: string): void {
  reportLoss({ field, effect: "dropped", detail });
}
