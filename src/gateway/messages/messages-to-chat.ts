import { UpstreamError } from "../../plugin/api/upstream-error.ts";
import type { ChatMessage } from "../../schema/chat-completion.ts";
import type { ContentBlock, MessageParameter } from "../../schema/message.ts";
import { placeField } from "../reasoning/places.ts";
import type { ToChatOptions } from "./to-chat-options.ts";

type Loose = Readonly<Record<string, unknown>>;
type Part = Loose & { readonly type: string };

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
    const { text, others } = splitResult(block, field, options);
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
      content: block.is_error === true ? `Error: ${text}` : text,
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
    return { text: String(content ?? ""), others: [] };
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
  const text = parts.filter(({ type }) => type === "text").map((part) => part.text).join("\n");
  return { text, others };
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
      // A text has room for its title and its context, a file for a name.
      const named = source.type === "text" ? ["title", "context"] : ["title"];
      const title = typeof block.title === "string" ? block.title : "document";
      loseFields(block, ["type", "source", "cache_control", ...named], field, options);
      if (source.type === "text") {
        const text = [block.title, block.context, source.data].filter((some) => typeof some === "string")
          .join("\n");
        return [{ type: "text", text, ...marks }];
      }
      if (source.type === "base64" || source.type === "url" && options.fileAddresses) {
        return [{ type: "file", file: { filename: `${title}.pdf`, file_data: addressOf(source) }, ...marks }];
      }
      if (source.type === "file") {
        return [{ type: "file", file: { file_id: fileId(source, `${field}.source.file_id`) }, ...marks }];
      }
      if (source.type === "content" && Array.isArray(source.content)) {
        return source.content.flatMap((inner: ContentBlock) => toParts(inner, field, options));
      }
      break;
    }
    case "search_result":
      loseFields(block, ["type", "title", "source", "content", "cache_control"], field, options);
      return [{
        type: "text",
        text: [block.title, block.source, textOf(block.content)].filter((some) => typeof some === "string")
          .join("\n"),
        ...marks,
      }];
  }
  lose(options, field, `chat completions have no ${block.type} of this kind`);
  return [];
}

/** @throws {UpstreamError} `unsupported` for a file that was uploaded to Anthropic, which no backend of chat completions has. */
function fileId({ file_id: id }: Loose, param: string): unknown {
  if (typeof id !== "string" || !id.startsWith("file_")) return id;
  throw new UpstreamError({
    kind: "unsupported",
    code: "unsupported_value",
    param,
    message: "The file was uploaded to Anthropic, and this target cannot read it; send its data.",
  });
}

function addressOf(source: Loose): string | undefined {
  if (source.type === "base64") return `data:${String(source.media_type)};base64,${String(source.data)}`;
  return source.type === "url" ? String(source.url) : undefined;
}

function textOf(content: unknown): string {
  if (!Array.isArray(content)) return String(content ?? "");
  return content.map((block: ContentBlock) => String(block.text ?? "")).join("\n");
}

/** A mark is told of once: clients put them everywhere, and most backends that do not know them cache by themselves. */
export function marksOf(marked: Loose, { cacheMarks, reportLoss }: ToChatOptions): Loose {
  if (!marked.cache_control) return {};
  if (cacheMarks) return { cache_control: marked.cache_control };
  reportLoss({
    field: "cache_control",
    effect: "dropped",
    detail: "this backend takes no marks for its cache",
  });
  return {};
}

/** Tells of every field of a block but those that are carried. */
export function loseFields(
  block: Loose,
  carried: readonly string[],
  field: string,
  options: ToChatOptions,
  detail = "chat completions have no such field",
): void {
  for (const [name, value] of Object.entries(block)) {
    if (carried.includes(name) || value === null || value === undefined) continue;
    // Whose words a call is, where they are the model's own.
    if (name === "caller" && (value as Loose).type === "direct") continue;
    lose(options, `${field}.${name}`, detail);
  }
}

function lose(options: ToChatOptions, field: string, detail: string): void {
  options.reportLoss({ field, effect: "dropped", detail });
}
