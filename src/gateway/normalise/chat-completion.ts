import { UpstreamError } from "../../plugin/api/upstream-error.ts";
import type { ChatCompletion } from "../../schema/chat-completion.ts";
import type { NormaliserOptions } from "../operation.ts";
import { annotationsAreClean, mendAnnotations } from "./annotations.ts";
import { isTextOrNothing, isUnsigned } from "./loose-values.ts";
import { finishReason } from "./finish-reason.ts";
import { argumentsText, bothSpellings, isServiceTier, splitContent } from "./message-content.ts";
import { logprobsAreClean, mendLogprobs } from "./token-probabilities.ts";
import { canonicalUsage, usageOfChunk } from "./usage.ts";

type Loose = Record<string, unknown>;

/**
 * A whole chat answer that keeps the protocol's rules, made of what the backend sent; fields that it has beside those
 * stay.
 *
 * @throws {UpstreamError} `bad_response` when there is no answer in it.
 */
export function normaliseChatCompletion(given: unknown, options: NormaliserOptions): ChatCompletion {
  const body = given as Loose | null;
  if (
    typeof body !== "object" || body === null || !Array.isArray(body.choices) || body.choices.length === 0
  ) {
    throw new UpstreamError({ kind: "bad_response", message: "The backend's answer has no choices." });
  }
  const { usage: _usage, error: _error, ...rest } = body;
  if (!isServiceTier(rest.service_tier)) delete rest.service_tier;
  if (!isTextOrNothing(rest.system_fingerprint)) delete rest.system_fingerprint;
  const usage = canonicalUsage(usageOfChunk(body));
  return {
    ...rest,
    id: nonEmpty(body.id) ?? options.fallbackId,
    object: "chat.completion",
    created: isUnsigned(body.created) ? body.created : options.created,
    model: options.forcedModel ?? nonEmpty(body.model) ?? options.fallbackModel,
    choices: body.choices.map((choice, position) => normaliseChoice(choice, position, options.fallbackId)),
    ...(usage === undefined ? {} : { usage }),
  };
}

function normaliseChoice(
  given: unknown,
  position: number,
  fallbackId: string,
): ChatCompletion["choices"][number] {
  const choice = (given ?? {}) as Loose;
  if (typeof choice.message !== "object" || choice.message === null) {
    throw new UpstreamError({
      kind: "bad_response",
      message: "A choice of the backend's answer has no message.",
    });
  }
  const message = choice.message as Loose;
  const {
    content: rawContent,
    reasoning,
    reasoning_content: reasoningContent,
    tool_calls: rawCalls,
    ...rest
  } = message;
  const { content, thinking } = splitContent(rawContent);
  const calls = Array.isArray(rawCalls)
    ? rawCalls.map((call, index) => normaliseCall(call, `call_${fallbackId}_${position}_${index}`))
    : [];
  const thought = thinking ?? text(reasoningContent) ?? text(reasoning);
  const index = isUnsigned(choice.index) ? choice.index : position;
  if (!annotationsAreClean(rest.annotations)) rest.annotations = mendAnnotations(rest.annotations);
  return {
    ...choice,
    index,
    message: {
      ...rest,
      role: "assistant",
      content: content?.toWellFormed() ?? null,
      refusal: text(message.refusal)?.toWellFormed() ?? null,
      ...bothSpellings(thought?.toWellFormed()),
      ...(calls.length === 0 ? {} : { tool_calls: calls }),
    },
    logprobs: logprobsAreClean(choice.logprobs)
      ? (choice.logprobs as Loose | undefined) ?? null
      : mendLogprobs(choice.logprobs),
    finish_reason: finishReason(choice.finish_reason ?? "stop", calls.length > 0),
  };
}

function normaliseCall(given: unknown, fallbackId: string) {
  const call = (given ?? {}) as Loose;
  const id = nonEmpty(call.id) ?? fallbackId.replace(/[^\w-]/g, "");
  if (call.type === "custom") return { ...call, id };
  const body = (call.function ?? {}) as Loose;
  return {
    ...call,
    id,
    type: "function",
    function: {
      ...body,
      name: String(body.name ?? ""),
      arguments: argumentsText(body.arguments).toWellFormed() || "{}",
    },
  };
}

function nonEmpty(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
