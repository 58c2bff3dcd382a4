import type { ResponseItem } from "../schema/response.ts";

/** English text has about four characters a token. The estimate decides what is sent along; what is charged, backends count. */
const charactersPerToken = 4;
/** Every item costs a few tokens of framing. */
const tokensPerItem = 4;
/** What an image or a file stands for where its real size is unknown. */
const attachmentTokens = 800;

/** Estimated tokens of an item. */
export function itemTokens(item: ResponseItem): number {
  if (item.type !== undefined && item.type !== null && item.type !== "message") {
    return tokensPerItem + textTokens(JSON.stringify(item));
  }
  const { content } = item;
  if (typeof content === "string") return tokensPerItem + textTokens(content);
  return (content ?? []).reduce(
    (sum, { text }) => sum + (typeof text === "string" ? textTokens(text) : attachmentTokens),
    tokensPerItem,
  );
}

export function textTokens(text: string): number {
  return Math.ceil(text.length / charactersPerToken);
}

/** What an item says, in words; empty for what says nothing. */
export function itemText(item: ResponseItem): string {
  switch (item.type) {
    case "function_call":
    case "custom_tool_call":
      return `${item.name}(${item.arguments ?? item.input ?? ""})`;
    case "function_call_output":
    case "custom_tool_call_output":
      return typeof item.output === "string" ? item.output : JSON.stringify(item.output ?? "");
    case "reasoning":
      return "";
    default:
      return messageText(item);
  }
}

function messageText({ content }: ResponseItem): string {
  if (typeof content === "string") return content;
  return (content ?? []).map((part) => String(part.text ?? part.refusal ?? "")).filter((text) => text !== "")
    .join("\n");
}
