import { type ChatCompletion, UpstreamError } from "intellirouter/plugin";
import { asObject, asText, isObject, type Loose, objectsOf } from "../hub/loose.ts";
import { type AnswerContext, answerHead, throwBlocked, throwFailure, toFinishReason } from "./answer.ts";
import { CandidateReader } from "./candidate-reader.ts";
import { toLogprobs } from "./logprobs.ts";
import { sourceFields } from "./sources.ts";
import { toServiceTier, toUsage } from "./usage.ts";

/**
 * A whole answer of `generateContent` as a chat completion.
 *
 * @throws {UpstreamError} `content_filter` when the prompt was blocked, `bad_response` when there is no answer in it.
 */
export function decodeAnswer(given: unknown, context: AnswerContext): ChatCompletion {
  const answer = asObject(given);
  const candidates = objectsOf(answer.candidates);
  if (candidates.length === 0) {
    throwBlocked(answer);
    throw new UpstreamError({ kind: "bad_response", message: "The backend's answer has no candidates." });
  }
  const head = answerHead(answer, context);
  const usage = toUsage(answer.usageMetadata);
  const tier = toServiceTier(answer.usageMetadata);
  return {
    ...head,
    object: "chat.completion",
    choices: candidates.map((candidate, position) => decodeCandidate(candidate, position, head.id, context)),
    ...(usage === undefined ? {} : { usage }),
    ...(tier === undefined ? {} : { service_tier: tier }),
  };
}

function decodeCandidate(
  candidate: Loose,
  position: number,
  id: string,
  context: AnswerContext,
): ChatCompletion["choices"][number] {
  throwFailure(candidate);
  const index = typeof candidate.index === "number" ? candidate.index : position;
  const reader = new CandidateReader(index, context);
  const { content, tool_calls: calls, ...rest } = reader.read(candidate, id);
  const reason = toFinishReason(asText(candidate.finishReason) || "STOP", reader.calls);
  const logprobs = toLogprobs(candidate.logprobsResult);
  return {
    index,
    message: {
      role: "assistant",
      content: content ?? null,
      ...refusalField(candidate, reason),
      ...rest,
      ...(calls === undefined ? {} : { tool_calls: calls.map(withoutIndex) }),
      ...sourceFields(candidate, reader.text),
    },
    finish_reason: reason,
    ...(isObject(logprobs) ? { logprobs } : {}),
  };
}

function withoutIndex({ index: _index, ...call }: Loose) {
  return call as { id: string; function: { name: string; arguments: string } };
}

/** What the API says when a filter ended the answer. */
export function refusalField(candidate: Loose, reason: string): { readonly refusal?: string } {
  const message = asText(candidate.finishMessage);
  return reason === "content_filter" && message !== "" ? { refusal: message } : {};
}
