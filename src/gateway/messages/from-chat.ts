import { parseJson } from "../../lib/lossless-json.ts";
import type { ChatCompletion } from "../../schema/chat-completion.ts";
import type { ContentBlock, Message } from "../../schema/message.ts";
import { inPieces } from "../reasoning/places.ts";
import { messageUsage, stopReason } from "./stop-reason.ts";

type Loose = Readonly<Record<string, unknown>>;

/** A whole chat answer as one of Anthropic's Messages protocol. Its first choice: the protocol knows no others. */
export function chatToMessage(completion: ChatCompletion): Message {
  const choice = completion.choices[0]!;
  const { message, finish_reason: finishReason } = choice;
  return {
    id: messageId(completion.id),
    type: "message",
    role: "assistant",
    model: completion.model,
    content: inPieces(message).flatMap(blocksOf),
    stop_reason: message.refusal ? "refusal" : stopReason(finishReason),
    stop_sequence: null,
    usage: messageUsage(completion.usage),
  };
}

function blocksOf(piece: Loose): ContentBlock[] {
  const { content, refusal, tool_calls: calls } = piece as Partial<
    ChatCompletion["choices"][number]["message"]
  >;
  const text = content ?? refusal ?? "";
  return [
    ...reasoningBlocks(piece),
    ...(text === "" ? [] : [{ type: "text", text }]),
    ...(calls ?? []).map((call) => ({
      type: "tool_use",
      id: call.id,
      name: call.function?.name ?? "",
      input: parseInput(call.function?.arguments ?? ""),
    })),
  ];
}

/** Clients look at an id's beginning to know what it names. */
export function messageId(id: string): string {
  return id.startsWith("msg_") ? id : `msg_${id.replace(/^chatcmpl-/, "")}`;
}

/** Signed reasoning as it was; without a signature the field is there and empty, as clients insist on it. */
function reasoningBlocks(message: Loose): ContentBlock[] {
  const details = Array.isArray(message.reasoning_details) ? message.reasoning_details as Loose[] : [];
  const blocks = details.flatMap((detail): ContentBlock[] => {
    switch (detail.type) {
      case "reasoning.text":
        return [{
          type: "thinking",
          thinking: String(detail.text ?? ""),
          signature: String(detail.signature ?? ""),
        }];
      case "reasoning.summary":
        return [{ type: "thinking", thinking: String(detail.summary ?? ""), signature: "" }];
      case "reasoning.encrypted":
        return detail.format === "anthropic-claude-v1"
          ? [{ type: "redacted_thinking", data: detail.data }]
          : [];
      default:
        return [];
    }
  });
  if (
    blocks.length > 0 || typeof message.reasoning_content !== "string" || message.reasoning_content === ""
  ) {
    return blocks;
  }
  return [{ type: "thinking", thinking: message.reasoning_content, signature: "" }];
}

/** Input is an object; models sometimes write something else, which must not be lost. */
export function parseInput(text: string): Loose {
  if (text.trim() === "") return {};
  try {
    const value = parseJson(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Loose;
  } catch {
    // Not JSON at all.
  }
  return { arguments: text };
}
