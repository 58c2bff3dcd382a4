import type { ChatMessage } from "../../schema/chat-completion.ts";
import type { ResponseItem, ResponsesRequest } from "../../schema/response.ts";
import { inputItems } from "../responses/input-items.ts";
import { itemsToChat } from "../responses/items-to-chat.ts";
import { mapContent, mapSame, plainText, withField } from "./content-texts.ts";
import type { EditableText, PromptDialect } from "./prompt-editor.ts";

type Loose = Readonly<Record<string, unknown>>;

/** What chat's parameters are called here; the protocol has no stop sequences. */
const parameters: Readonly<Record<string, string>> = {
  max_completion_tokens: "max_output_tokens",
  max_tokens: "max_output_tokens",
  temperature: "temperature",
  top_p: "top_p",
  parallel_tool_calls: "parallel_tool_calls",
};

/**
 * How `POST /v1/responses` says things.
 *
 * @param onInsert told how many items were put before those of earlier turns.
 */
export function responsesPrompt(onInsert: (items: number) => void): PromptDialect<ResponsesRequest> {
  return {
    mapTexts(body, change) {
      const { instructions } = body;
      const told = typeof instructions === "string" && instructions !== ""
        ? change({ role: "system", kind: "text", path: "instructions", text: instructions })
        : instructions;
      const input = typeof body.input === "string"
        ? change({ role: "user", kind: "text", path: "input", text: body.input })
        : body.input && mapSame(body.input, (item, index) => mapItem(item, `input[${index}]`, change));
      return withField(withField(body, "instructions", told), "input", input);
    },

    conversation: (body) =>
      itemsToChat(undefined, body.input, {
        reasoningReplay: undefined,
        historyLength: 0,
        fileAddresses: true,
        reportLoss: () => {},
      }).filter(({ role }) => role !== "system" && role !== "developer"),

    addInstructions(body, text, place) {
      const { instructions } = body;
      if (!instructions) return { ...body, instructions: text };
      return {
        ...body,
        instructions: place === "first" ? `${text}\n\n${instructions}` : `${instructions}\n\n${text}`,
      };
    },

    dropInstructions({ instructions: _instructions, ...body }) {
      if (!Array.isArray(body.input)) return body;
      return { ...body, input: body.input.filter((item) => !isInstruction(item)) };
    },

    insert(body, messages, place) {
      const items = inputItems(body.input);
      const added = toInputItems(messages);
      const index = place === "first" ? 0 : lastUser(items);
      if (place === "first") onInsert(added.length);
      return { ...body, input: items.toSpliced(index, 0, ...added) };
    },

    dropFileSearch({ include, max_tool_calls: _most, ...body }) {
      const kept = (include ?? []).filter((name) => !name.startsWith("file_search_call."));
      return { ...body, ...(kept.length === 0 ? {} : { include: kept }) };
    },

    parameter: (name) => parameters[name],
  };
}

function isInstruction({ role }: ResponseItem): boolean {
  return role === "system" || role === "developer";
}

function lastUser(items: readonly ResponseItem[]): number {
  const index = items.findLastIndex(({ role }) => role === "user");
  return index < 0 ? items.length : index;
}

/** Changes every text of an item, also of an answer's; thoughts are left alone. */
export function mapItem(
  item: ResponseItem,
  path: string,
  change: (text: EditableText) => string,
): ResponseItem {
  switch (item.type) {
    case "function_call":
      return withText(item, "arguments", { role: "assistant", kind: "arguments", path }, change);
    case "custom_tool_call":
      return withText(item, "input", { role: "assistant", kind: "text", path }, change);
    case "function_call_output":
    case "custom_tool_call_output":
      return withField(item, "output", mapContent(item.output, "tool", `${path}.output`, change));
    case "reasoning":
      return item;
    default: {
      const role = item.role === "developer" ? "system" : item.role ?? "user";
      return withField(item, "content", mapContent(item.content, role, `${path}.content`, change));
    }
  }
}

function withText(
  item: ResponseItem,
  field: string,
  about: Omit<EditableText, "text">,
  change: (text: EditableText) => string,
): ResponseItem {
  const text = item[field];
  if (typeof text !== "string") return item;
  return withField(item, field, change({ ...about, path: `${about.path}.${field}`, text }));
}

/** Chat messages as items of a request. */
export function toInputItems(messages: readonly ChatMessage[]): ResponseItem[] {
  return messages.flatMap((message): ResponseItem[] => {
    const { role, content, tool_calls: calls, tool_call_id: id } = message;
    if (role === "tool") {
      return [{ type: "function_call_output", call_id: id ?? "", output: plainText(content) }];
    }
    const parts = partsOf(message);
    return [
      ...(parts.length === 0
        ? []
        : [{ type: "message", role: role === "function" ? "user" : role, content: parts }]),
      ...(calls ?? []).flatMap(({ id: callId, function: called }) =>
        called === undefined
          ? []
          : [{ type: "function_call", call_id: callId, name: called.name, arguments: called.arguments }]
      ),
    ];
  });
}

function partsOf({ role, content }: ChatMessage): (Loose & { readonly type: string })[] {
  const textType = role === "assistant" ? "output_text" : "input_text";
  const parts = typeof content === "string" ? [{ type: "text", text: content }] : content ?? [];
  return parts.flatMap((given): (Loose & { readonly type: string })[] => {
    const part = given as Loose & { readonly type: string };
    if (part.type === "image_url" && role !== "assistant") {
      const { url, detail } = (part.image_url ?? {}) as Loose;
      return [{ type: "input_image", image_url: url, ...(detail === undefined ? {} : { detail }) }];
    }
    const text = plainText([part]);
    return text === "" ? [] : [{ type: textType, text }];
  });
}
