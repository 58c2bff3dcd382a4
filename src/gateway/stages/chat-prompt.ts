import type { ChatCompletionRequest, ChatMessage } from "../../schema/chat-completion.ts";
import { mapContent, mapSame, withField } from "./content-texts.ts";
import type { EditableText, PromptDialect } from "./prompt-editor.ts";

/** How `POST /v1/chat/completions` says things. */
export const chatPrompt: PromptDialect<ChatCompletionRequest> = {
  mapTexts: (body, change) => withField(body, "messages", mapMessages(body.messages, change)),

  conversation: ({ messages }) => messages.filter((message) => !isInstruction(message)),

  addInstructions(body, text, place) {
    const { messages } = body;
    const index = place === "first" ? 0 : leading(messages);
    return { ...body, messages: messages.toSpliced(index, 0, { role: "system", content: text }) };
  },

  dropInstructions: (body) => ({
    ...body,
    messages: body.messages.filter((message) => !isInstruction(message)),
  }),

  insert(body, added, place) {
    const { messages } = body;
    const index = place === "first" ? leading(messages) : lastUser(messages);
    return { ...body, messages: messages.toSpliced(index, 0, ...added) };
  },

  parameter: (name) => name,
};

/** Changes every text of chat messages; the same list when nothing has changed. */
export function mapMessages(
  messages: readonly ChatMessage[],
  change: (text: EditableText) => string,
): readonly ChatMessage[] {
  return mapSame(messages, (message, index) => mapMessage(message, `messages[${index}]`, change));
}

/** Changes every text of a chat message, also of an answer's; the same message when nothing has changed. */
export function mapMessage<Message extends ChatMessage>(
  message: Message,
  path: string,
  change: (text: EditableText) => string,
): Message {
  const role = roleOf(message.role);
  let changed = withField(
    message,
    "content",
    mapContent(message.content, role, `${path}.content`, change),
  );
  const { refusal, tool_calls: calls } = message;
  if (typeof refusal === "string") {
    const text = change({ role, kind: "text", path: `${path}.refusal`, text: refusal });
    changed = withField(changed, "refusal", text);
  }
  if (!calls) return changed;
  const mapped = mapSame(calls, (call, position) => {
    if (call.function === undefined) return call;
    const text = change({
      role,
      kind: "arguments",
      path: `${path}.tool_calls[${position}].function.arguments`,
      text: call.function.arguments,
    });
    return withField(call, "function", withField(call.function, "arguments", text));
  });
  return withField(changed, "tool_calls", mapped);
}

function roleOf(role: ChatMessage["role"]): EditableText["role"] {
  if (role === "developer") return "system";
  return role === "function" ? "tool" : role;
}

function isInstruction({ role }: ChatMessage): boolean {
  return role === "system" || role === "developer";
}

/** How many messages at the beginning are instructions. */
function leading(messages: readonly ChatMessage[]): number {
  const index = messages.findIndex((message) => !isInstruction(message));
  return index < 0 ? messages.length : index;
}

/** Where the user's last words begin; the end where there are none. */
function lastUser(messages: readonly ChatMessage[]): number {
  const index = messages.findLastIndex(({ role }) => role === "user");
  return index < 0 ? messages.length : index;
}
