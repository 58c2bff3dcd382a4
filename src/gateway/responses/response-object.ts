import type { ApiError } from "../../lib/api-error.ts";
import type { Usage } from "../../schema/chat-completion.ts";
import type { ResponseItem, ResponseObject, ResponsesRequest, ResponseTool } from "../../schema/response.ts";
import type { ResponseTurn } from "./response-turn.ts";
import { responseUsage } from "./response-usage.ts";

/** How far an answer has come. */
export interface ResponseState {
  readonly status: "in_progress" | "completed" | "incomplete" | "failed";
  readonly model: string;
  readonly output: readonly ResponseItem[];
  readonly usage?: Usage | undefined;
  readonly serviceTier?: unknown;
  /** Why it is incomplete. */
  readonly incomplete?: string | undefined;
  /** Why it failed. */
  readonly error?: ApiError | undefined;
}

/**
 * The response object with all of its fields: strict clients insist on every one. Where the client left a parameter out, the
 * protocol's default stands.
 */
export function responseObject(turn: ResponseTurn, state: ResponseState): ResponseObject {
  const { request } = turn;
  const { status, error } = state;
  return {
    id: turn.id,
    object: "response",
    created_at: turn.createdAt,
    ...(turn.conversation === undefined ? {} : { conversation: { id: turn.conversation } }),
    completed_at: status === "completed" ? turn.now() : null,
    status,
    background: false,
    error: error === undefined ? null : { code: failureCode(error), message: error.message },
    incomplete_details: state.incomplete === undefined ? null : { reason: state.incomplete },
    instructions: request.instructions ?? null,
    max_output_tokens: request.max_output_tokens ?? null,
    max_tool_calls: request.max_tool_calls ?? null,
    metadata: request.metadata ?? {},
    model: state.model,
    output: [...state.output],
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    previous_response_id: request.previous_response_id ?? null,
    prompt_cache_key: request.prompt_cache_key ?? null,
    reasoning: {
      ...request.reasoning,
      effort: request.reasoning?.effort ?? null,
      summary: request.reasoning?.summary ?? null,
    },
    safety_identifier: request.safety_identifier ?? null,
    service_tier: typeof state.serviceTier === "string" ? state.serviceTier : "default",
    store: turn.store,
    temperature: request.temperature ?? 1,
    text: textOf(request),
    tool_choice: request.tool_choice ?? "auto",
    tools: (request.tools ?? []).map(toolOf),
    top_logprobs: request.top_logprobs ?? 0,
    top_p: request.top_p ?? 1,
    presence_penalty: numberOf(request.presence_penalty),
    frequency_penalty: numberOf(request.frequency_penalty),
    truncation: request.truncation ?? "disabled",
    usage: responseUsage(state.usage),
    ...(request.user ? { user: request.user } : {}),
  };
}

/** Why the answer is not complete, in the protocol's words; undefined when it is. */
export function incompleteReason(finishReason: string | null | undefined): string | undefined {
  switch (finishReason) {
    case "length":
      return "max_output_tokens";
    case "content_filter":
      return "content_filter";
    default:
      return undefined;
  }
}

/** The protocol has a closed list of codes for responses that failed. */
function failureCode({ status }: ApiError): string {
  if (status === 429) return "rate_limit_exceeded";
  return status < 500 ? "invalid_prompt" : "server_error";
}

function textOf({ text }: ResponsesRequest): ResponseObject["text"] {
  const format = text?.format ?? { type: "text" };
  return {
    ...text,
    format: format.type === "json_schema" ? { description: null, strict: false, ...format } : format,
  };
}

function toolOf(tool: ResponseTool): ResponseTool {
  return tool.type === "function" ? { description: null, parameters: null, strict: null, ...tool } : tool;
}

function numberOf(value: unknown): number {
  return typeof value === "number" ? value : 0;
}
