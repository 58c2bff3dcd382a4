import type { ChatMessage } from "../../schema/chat-completion.ts";
import type { ContentBlock, MessageParameter } from "../../schema/message.ts";
import { placeField } from "../reasoning/places.ts";
import { addressOf, documentParts, type Part, searchResultPart } from "./documents-to-chat.ts";
import type { ToChatOptions } from "./to-chat-options.ts";
import { lose, loseFields, marksOf } from "./translation-losses.ts";

type Loose = Readonly<Record<string, unknown>>;

/** The turns of a Messages conversation as chat messages: results of tools become messages of their own. */
export function toChatMessages(messages: readonly MessageParameter[], options: ToChatOptions): ChatMessage[] {
  return messages.flatMap((message, index): ChatMessage[] => {
    const { role, content } = message;
    const place = `messages[${index}].content`;
    loseFields(message, ["role", "content"], `messages[${index}]`, options);
    if (content === undefined || content === null) return [];
    if (typeof content === "string") return [{ role, content }];
    if (role === "assistant") return [assistantMessage(content, place, options)];
    return userMessages(role, content, place, options);
  });
}

function assistantMessage(
  blocks: readonly ContentBlock[],
  place: string,
  options: ToChatOptions,
): ChatMessage {
  const texts: Part[] = [];
  const calls: NonNullable<ChatMessage["tool_calls"]> = [];
  const reasoning: Loose[] = [];
  let thought = "";
  blocks.forEach((block, index) => {
    switch (block.type) {
      case "text":
        texts.push({ type: "text", text: String(block.text ?? ""), ...marksOf(block, options) });
        loseFields(block, ["type", "text", "cache_control"], `${place}[${index}]`, options);
        break;
      case "tool_use":
        calls.push({
          id: String(block.id),
          type: "function",
          function: { name: String(block.name), arguments: JSON.stringify(block.input ?? {}) },
          ...marksOf(block, options),
        });
        loseFields(withoutDirectCaller(block), carriedOfUses, `${place}[${index}]`, options);
        break;
      case "thinking":
      case "redacted_thinking":
        if (options.reasoningReplay === "details") {
          const place = placeField({ content: lengthOf(texts), calls: calls.length });
          reasoning.push(...reasoningDetail(block, reasoning.length).map((each) => ({ ...each, ...place })));
        } else if (options.reasoningReplay === "text" && block.type === "thinking") {
          thought += String(block.thinking ?? "");
        } else lose(options, `${place}[${index}]`, "this backend takes no reasoning back");
        break;
      default:
        lose(
          options,
          `${place}[${index}]`,
          `chat completions have no ${block.type} in what the assistant said`,
        );
    }
  });
  return {
    role: "assistant",
    content: texts.length > 0 ? plain(texts, "") : calls.length > 0 ? null : "",
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
    ...(reasoning.length > 0 ? { reasoning_details: reasoning } : {}),
    ...(thought === "" ? {} : { reasoning_content: thought }),
  };
}

/** That the model itself has called a tool is said of every call, and goes without saying elsewhere. */
function withoutDirectCaller(block: Loose): Loose {
  const { caller, ...rest } = block;
  return (caller as Loose | undefined)?.type === "direct" ? rest : block;
}

function lengthOf(texts: readonly Part[]): number {
  return texts.reduce((sum, { text }) => sum + String(text).length, 0);
}

const carriedOfUses = ["type", "id", "name", "input", "cache_control"];
const carriedOfResults = ["type", "tool_use_id", "content", "is_error", "cache_control"];

/** A signature of "" is the gateway's own, for reasoning that came without one. */
function reasoningDetail(block: ContentBlock, index: number): Loose[] {
  const format = "anthropic-claude-v1";
  if (block.type === "redacted_thinking") {
    return [{ type: "reasoning.encrypted", data: block.data, format, index }];
  }
  if (!block.signature) return [];
  return [{ type: "reasoning.text", text: block.thinking, signature: block.signature, format, index }];
}

function userMessages(
  role: "user" | "system",
  blocks: readonly ContentBlock[],
  place: string,
  options: ToChatOptions,
): ChatMessage[] {
  const results: ChatMessage[] = [];
  const parts: Part[] = [];
  blocks.forEach((block, index) => {
    const field = `${place}[${index}]`;
    if (block.type !== "tool_result") {
      parts.push(...toParts(block, field, options));
      return;
    }
    const { texts, others } = splitResult(block, field, options);
    loseFields(block, carriedOfResults, field, options);
    if (block.is_error === true) {
      options.reportLoss({
        field: `${field}.is_error`,
        effect: "approximated",
        detail: "told in the result's text",
      });
    }
    results.push({
      role: "tool",
      tool_call_id: String(block.tool_use_id),
      content: plain(block.is_error === true ? asError(texts) : texts, "\n"),
      ...marksOf(block, options),
    });
    parts.push(...others);
  });
  if (parts.length === 0) return results;
  return [...results, { role, content: plain(parts, "\n") }];
}

/** Many backends understand text better than a list of parts, so parts that are nothing but text become one. */
function plain(parts: readonly Part[], separator: string): ChatMessage["content"] {
  const onlyText = parts.every((part) => part.type === "text" && part.cache_control === undefined);
  return onlyText ? parts.map(({ text }) => text).join(separator) : parts as ChatMessage["content"];
}

/** Chat results of tools are text; what is not follows as the user's own words. */
function splitResult(block: ContentBlock, field: string, options: ToChatOptions) {
  const { content } = block;
  if (typeof content === "string" || !Array.isArray(content)) {
    return { texts: [{ type: "text", text: String(content ?? "") }], others: [] };
  }
  const parts = content.flatMap((inner: ContentBlock, index) =>
    toParts(inner, `${field}.content[${index}]`, options)
  );
  const others = parts.filter(({ type }) => type !== "text");
  if (others.length > 0) {
    options.reportLoss({
      field,
      effect: "approximated",
      detail: "what is not text in a tool's result follows in a user message",
    });
  }
  return { texts: parts.filter(({ type }) => type === "text"), others };
}

function asError([first, ...others]: readonly Part[]): Part[] {
  return [{ type: "text", ...first, text: `Error: ${first?.text ?? ""}` }, ...others];
}

function toParts(block: ContentBlock, field: string, options: ToChatOptions): Part[] {
  const marks = marksOf(block, options);
  const source = (block.source ?? {}) as Loose;
  switch (block.type) {
    case "text":
      loseFields(block, ["type", "text", "cache_control"], field, options);
      return [{ type: "text", text: String(block.text ?? ""), ...marks }];
    case "image": {
      loseFields(block, ["type", "source", "cache_control"], field, options);
      const url = addressOf(source);
      if (url !== undefined) return [{ type: "image_url", image_url: { url }, ...marks }];
      break;
    }
    case "document": {
      const parts = documentParts(block, field, options, toParts);
      if (parts !== undefined) return parts;
      break;
    }
    case "search_result":
      return [searchResultPart(block, field, options)];
  }
  lose(options, field, `chat completions have no ${block.type} of this kind`);
  return [];
}
