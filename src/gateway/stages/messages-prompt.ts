import type { ChatMessage } from "../../schema/chat-completion.ts";
import type { ContentBlock, MessageParameter, MessagesRequest } from "../../schema/message.ts";
import { toChatMessages } from "../messages/messages-to-chat.ts";
import { mapContent, mapSame, plainText, withField } from "./content-texts.ts";
import type { PromptDialect } from "./prompt-editor.ts";

type Loose = Readonly<Record<string, unknown>>;

/** What chat's parameters are called here. */
const parameters: Readonly<Record<string, string>> = {
  max_completion_tokens: "max_tokens",
  max_tokens: "max_tokens",
  stop: "stop_sequences",
  temperature: "temperature",
  top_p: "top_p",
};

/** How `POST /v1/messages` says things. */
export const messagesPrompt: PromptDialect<MessagesRequest> = {
  mapTexts(body, change) {
    const system = mapContent(body.system, "system", "system", change);
    const messages = mapSame(body.messages, (message, index) => {
      const { role, content } = message;
      return withField(message, "content", mapContent(content, role, `messages[${index}].content`, change));
    });
    return withField(withField(body, "system", system), "messages", messages);
  },

  conversation: ({ messages }) =>
    toChatMessages(messages.filter((message) => message.role !== "system"), {
      reasoningReplay: undefined,
      cacheMarks: false,
      fileAddresses: true,
      reportLoss: () => {},
    }),

  addInstructions(body, text, place) {
    const given: ContentBlock[] = typeof body.system === "string"
      ? body.system === "" ? [] : [{ type: "text", text: body.system }]
      : [...body.system ?? []];
    if (given.length === 0) return { ...body, system: text };
    const added = { type: "text", text };
    return { ...body, system: place === "first" ? [added, ...given] : [...given, added] };
  },

  dropInstructions({ system: _system, ...body }) {
    return { ...body, messages: body.messages.filter((message) => message.role !== "system") };
  },

  insert(body, added, place) {
    const { messages } = body;
    const index = place === "first" ? 0 : lastWords(messages);
    return { ...body, messages: messages.toSpliced(index, 0, ...toMessageParameters(added)) };
  },

  parameter: (name) => parameters[name],
};

/** Where the user's last words begin: a message that brings results of tools is not one of them. */
function lastWords(messages: readonly MessageParameter[]): number {
  const index = messages.findLastIndex(({ role, content }) =>
    role === "user" && (typeof content === "string" || content.some(({ type }) => type !== "tool_result"))
  );
  return index < 0 ? messages.length : index;
}

/** Chat messages as the protocol has them; results of tools belong to the user's next message. */
export function toMessageParameters(messages: readonly ChatMessage[]): MessageParameter[] {
  const parameters: { role: "user" | "assistant"; content: ContentBlock[] }[] = [];
  for (const message of messages) {
    const role = message.role === "assistant" ? "assistant" : "user";
    const blocks = blocksOf(message);
    if (blocks.length === 0) continue;
    const last = parameters.at(-1);
    if (last?.role === role) last.content.push(...blocks);
    else parameters.push({ role, content: blocks });
  }
  return parameters;
}

function blocksOf({ role, content, tool_calls: calls, tool_call_id: id }: ChatMessage): ContentBlock[] {
  if (role === "tool") return [{ type: "tool_result", tool_use_id: id ?? "", content: plainText(content) }];
  const parts = typeof content === "string" ? [{ type: "text", text: content }] : content ?? [];
  return [
    ...parts.flatMap((part) => blockOf(part as Loose)),
    ...(calls ?? []).flatMap((call): ContentBlock[] => {
      const { function: called } = call;
      if (called === undefined) return [];
      return [{ type: "tool_use", id: call.id, name: called.name, input: inputOf(called.arguments) }];
    }),
  ];
}

function blockOf(part: Loose): ContentBlock[] {
  if (part.type === "image_url") {
    const url = String((part.image_url as Loose | undefined)?.url ?? "");
    const inline = /^data:([^;,]+);base64,(.*)$/s.exec(url);
    const source = inline === null
      ? { type: "url", url }
      : { type: "base64", media_type: inline[1], data: inline[2] };
    return [{ type: "image", source }];
  }
  const text = plainText([part]);
  return text.trim() === "" ? [] : [{ type: "text", text }];
}

/** A call's arguments as an object, which is all that the protocol takes. */
function inputOf(text: string): Loose {
  try {
    const value: unknown = JSON.parse(text || "{}");
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value as Loose : {};
  } catch {
    return {};
  }
}
