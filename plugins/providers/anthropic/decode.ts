import type { ChatCompletion, ToolCall } from "intellirouter/plugin";
import { UpstreamError } from "intellirouter/plugin";
import { asObject, asText, isObject, type Loose } from "../hub/loose.ts";
import {
  type AnswerContext,
  loseBlock,
  losePause,
  readSources,
  sourceFields,
  thinkingDetail,
  toFinishReason,
  toRefusal,
} from "./answer.ts";
import { toServiceTier, toUsage } from "./usage.ts";

/** A whole message as a chat completion. @throws {UpstreamError} `bad_response` when it is none. */
export function decodeMessage(value: unknown, context: AnswerContext): ChatCompletion {
  const message = asObject(value);
  if (!Array.isArray(message.content)) {
    throw new UpstreamError({ kind: "bad_response", message: "The backend's answer has no content." });
  }
  const read = readBlocks(message.content, context);
  const { stop_reason: stopReason, usage: counts } = message;
  losePause(stopReason, context);
  const usage = toUsage(counts);
  const tier = toServiceTier(counts);
  return {
    id: asText(message.id),
    object: "chat.completion",
    created: context.created,
    model: asText(message.model) || context.model,
    choices: [{
      index: 0,
      message: {
        role: "assistant",
        content: read.text ?? null,
        refusal: toRefusal(stopReason, message.stop_details),
        ...(read.details.length === 0 ? {} : {
          ...(read.thought === "" ? {} : { reasoning_content: read.thought }),
          reasoning_details: read.details,
        }),
        ...sourceFields(read),
        ...(read.calls.length === 0 ? {} : { tool_calls: read.calls }),
      },
      finish_reason: toFinishReason(stopReason, read.calls.length),
      logprobs: null,
    }],
    ...(usage === undefined ? {} : { usage }),
    ...(tier === undefined ? {} : { service_tier: tier }),
  };
}

function readBlocks(blocks: readonly unknown[], context: AnswerContext) {
  let text: string | undefined;
  let answer: string | undefined;
  let thought = "";
  const calls: ToolCall[] = [];
  const details: Loose[] = [];
  const annotations: Loose[] = [];
  const citations: Loose[] = [];
  blocks.forEach((block, index) => {
    if (!isObject(block)) return;
    switch (block.type) {
      case "text": {
        const start = text?.length ?? 0;
        text = (text ?? "") + asText(block.text);
        const sources = readSources(block.citations, start, text.length);
        annotations.push(...sources.annotations);
        citations.push(...sources.citations);
        break;
      }
      case "thinking":
      case "redacted_thinking":
        details.push(
          thinkingDetail(block, details.length, { content: text?.length ?? 0, calls: calls.length }),
        );
        thought += asText(block.thinking);
        break;
      case "tool_use":
        if (block.name === context.answerTool) answer = JSON.stringify(block.input ?? {});
        else calls.push(toCall(block));
        break;
      default:
        loseBlock(block, index, context);
    }
  });
  // Words around an answer that is to be JSON are none of it.
  return { text: answer ?? text, thought, calls, details, annotations, citations };
}

function toCall({ id, name, input }: Loose): ToolCall {
  return {
    id: asText(id),
    type: "function",
    function: { name: asText(name), arguments: JSON.stringify(input ?? {}) },
  };
}
