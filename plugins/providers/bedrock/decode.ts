import type { ChatCompletion, ToolCall } from "intellirouter/plugin";
import { UpstreamError } from "intellirouter/plugin";
import { asObject, asText, isObject, type Loose, objectsOf } from "../hub/loose.ts";
import {
  type AnswerContext,
  loseBlock,
  loseReason,
  reasoningDetail,
  sourceFields,
  toFinishReason,
  toServiceTier,
  toUsage,
} from "./answer.ts";

/** A whole answer as a chat completion. @throws {UpstreamError} `bad_response` when it is none. */
export function decodeAnswer(value: unknown, context: AnswerContext): ChatCompletion {
  const answer = asObject(value);
  const { content } = asObject(asObject(answer.output).message);
  if (!Array.isArray(content)) {
    throw new UpstreamError({ kind: "bad_response", message: "The backend's answer has no content." });
  }
  const read = new BlockReader(context);
  content.forEach((block, index) => isObject(block) ? read.add(block, index) : undefined);
  loseReason(answer.stopReason, read.calls.length, context);
  const usage = toUsage(answer.usage);
  return {
    id: context.id,
    object: "chat.completion",
    created: context.created,
    model: context.model,
    choices: [{
      index: 0,
      message: read.message(),
      finish_reason: toFinishReason(answer.stopReason, read.calls.length),
      logprobs: null,
    }],
    ...(usage === undefined ? {} : { usage }),
    ...toServiceTier(answer.serviceTier),
  };
}

/** Puts the blocks of an answer together. */
class BlockReader {
  readonly calls: ToolCall[] = [];
  readonly #context: AnswerContext;
  #text: string | undefined;
  /** The input of the tool that was to give the answer. */
  #answer: string | undefined;
  #thought = "";
  readonly #details: Loose[] = [];
  readonly #annotations: Loose[] = [];
  readonly #citations: Loose[] = [];

  constructor(context: AnswerContext) {
    this.#context = context;
  }

  add(block: Loose, index: number): void {
    if (typeof block.text === "string") this.#say(block.text, undefined);
    else if (isObject(block.citationsContent)) {
      const { content, citations } = block.citationsContent;
      this.#say(objectsOf(content).map(({ text }) => asText(text)).join(""), citations);
    } else if (isObject(block.reasoningContent)) this.#think(block.reasoningContent);
    else if (isObject(block.toolUse)) this.#call(block.toolUse);
    else loseBlock(Object.keys(block)[0] ?? "block", index, this.#context);
  }

  message(): ChatCompletion["choices"][number]["message"] {
    return {
      role: "assistant",
      // Words around an answer that is to be JSON are none of it.
      content: this.#answer ?? this.#text ?? null,
      ...(this.#thought === "" ? {} : { reasoning_content: this.#thought }),
      ...(this.#details.length === 0 ? {} : { reasoning_details: this.#details }),
      ...(this.#annotations.length === 0 ? {} : { annotations: this.#annotations }),
      ...(this.#citations.length === 0 ? {} : { citations: this.#citations }),
      ...(this.calls.length === 0 ? {} : { tool_calls: this.calls }),
    };
  }

  #say(text: string, citations: unknown): void {
    const start = this.#text?.length ?? 0;
    this.#text = (this.#text ?? "") + text;
    const sources = sourceFields(citations, start, this.#text.length);
    this.#annotations.push(...objectsOf(sources.annotations));
    this.#citations.push(...objectsOf(sources.citations));
  }

  #think({ reasoningText, redactedContent }: Loose): void {
    const index = this.#details.length;
    const { text, signature } = asObject(reasoningText);
    this.#thought += asText(text);
    if (!this.#context.isClaude) return;
    const piece = typeof redactedContent === "string"
      ? { redacted: redactedContent }
      : { text: asText(text), ...(typeof signature === "string" ? { signature } : {}) };
    const place = { content: this.#text?.length ?? 0, calls: this.calls.length };
    this.#details.push(reasoningDetail(piece, index, place));
  }

  #call({ toolUseId, name, input }: Loose): void {
    const text = JSON.stringify(input ?? {});
    if (name === this.#context.answerTool) this.#answer = text;
    else {
      this.calls.push({
        id: asText(toolUseId),
        type: "function",
        function: { name: asText(name), arguments: text },
      });
    }
  }
}
