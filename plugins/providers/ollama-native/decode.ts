import { type ChatCompletion, UpstreamError } from "intellirouter/plugin";
import { asObject, asText, isObject, type Loose } from "../hub/loose.ts";
import { type AnswerContext, answerHead, toCalls, toFinishReason, toLogprobs, toUsage } from "./answer.ts";

/** A whole answer of `/api/chat` as a chat completion. */
export function decodeAnswer(given: unknown, context: AnswerContext): ChatCompletion {
  const answer = asObject(given);
  if (!isObject(answer.message)) {
    throw new UpstreamError({ kind: "bad_response", message: "The backend's answer has no message." });
  }
  const { message } = answer;
  const calls = toCalls(message.tool_calls, 0, context).map(withoutIndex);
  const thinking = asText(message.thinking);
  const logprobs = toLogprobs(answer.logprobs);
  const usage = toUsage(answer);
  return {
    ...answerHead(answer, context),
    object: "chat.completion",
    choices: [{
      index: 0,
      message: {
        role: "assistant",
        content: asText(message.content) || (calls.length > 0 ? null : ""),
        ...(thinking === "" ? {} : { reasoning_content: thinking }),
        ...(calls.length === 0 ? {} : { tool_calls: calls }),
      },
      finish_reason: toFinishReason(answer.done_reason, calls.length),
      ...(logprobs === undefined ? {} : { logprobs }),
    }],
    ...(usage === undefined ? {} : { usage }),
  };
}

function withoutIndex({ index: _index, ...call }: Loose) {
  return call as { id: string; function: { name: string; arguments: string } };
}
