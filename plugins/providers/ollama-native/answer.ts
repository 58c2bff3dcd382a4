import type { ChatCompletion, ToolCallDelta, Usage } from "intellirouter/plugin";
import { asCount, asObject, asText, type Loose, objectsOf } from "../hub/loose.ts";

/** What an answer is read with, whole or in pieces. */
export interface AnswerContext {
  /** The gateway's id, which ids of calls are made of: older servers give none. */
  readonly requestId: string;
  /** Seconds since the epoch, where the server does not say when. */
  readonly created: number;
  readonly model: string;
}

export type FinishReason = ChatCompletion["choices"][number]["finish_reason"];

export function toFinishReason(doneReason: unknown, calls: number): FinishReason {
  if (doneReason === "length") return "length";
  return calls > 0 ? "tool_calls" : "stop";
}

/** What all pieces of an answer have in common; it has no id, and goes by the request's. */
export function answerHead(answer: Loose, context: AnswerContext) {
  const created = Date.parse(asText(answer.created_at)) / 1000;
  return {
    id: context.requestId,
    model: asText(answer.model) || context.model,
    created: created > 0 ? Math.floor(created) : context.created,
  };
}

/** Calls in OpenAI's form, whose arguments are text. @param first number of the first of them. */
export function toCalls(calls: unknown, first: number, { requestId }: AnswerContext): ToolCallDelta[] {
  return objectsOf(calls).map((call, position) => {
    const index = first + position;
    const { name, arguments: input } = asObject(call.function);
    const text = typeof input === "string" ? input : JSON.stringify(input ?? {});
    return {
      index,
      id: asText(call.id) || `call_${requestId}_${index}`.replace(/[^\w-]/g, ""),
      type: "function",
      function: { name: asText(name), arguments: text || "{}" },
    };
  });
}

/** Undefined when nothing was counted. A prompt that was in the cache is not counted by older servers. */
export function toUsage({ prompt_eval_count: prompt, eval_count: completion }: Loose): Usage | undefined {
  if (prompt === undefined && completion === undefined) return undefined;
  const counts = { prompt_tokens: asCount(prompt), completion_tokens: asCount(completion) };
  return { ...counts, total_tokens: counts.prompt_tokens + counts.completion_tokens };
}

/** Likelihoods of tokens in OpenAI's form; undefined when there are none. */
export function toLogprobs(given: unknown): Loose | undefined {
  if (!Array.isArray(given) || given.length === 0) return undefined;
  const content = objectsOf(given).map((token) => ({
    ...toToken(token),
    top_logprobs: objectsOf(token.top_logprobs).map(toToken),
  }));
  return { content, refusal: null };
}

function toToken({ token, logprob, bytes }: Loose) {
  const text = asText(token);
  return { token: text, logprob: Number(logprob ?? 0), bytes: bytes ?? [...new TextEncoder().encode(text)] };
}
