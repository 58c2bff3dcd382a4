import type { ChatMessage, ToolCall } from "intellirouter/plugin";
import { asText, type Loose } from "../hub/loose.ts";
import type { Lose } from "../hub/losses.ts";
import { loseCacheMarks } from "../hub/part-marks.ts";
import { readReasoning } from "../hub/reasoning-items.ts";
import { invalid } from "../hub/refuse.ts";
import { MistralCallIds } from "./call-ids.ts";
import { encodeContent, encodeText } from "./encode-parts.ts";

/** The name by which clients know reasoning that is Mistral's. */
export const mistralFormat = "mistral-v1";

/** A message in Mistral's form. */
interface Message extends Loose {
  readonly role: "system" | "user" | "assistant" | "tool";
}

/**
 * Messages in Mistral's form and order: instructions do not come after what the assistant said or a tool gave, nor the user right
 * after a tool (errors 3230 and its like).
 */
export function encodeMessages(messages: readonly ChatMessage[], lose: Lose): Message[] {
  const ids = new MistralCallIds(messages.flatMap(idsOf));
  const names = new Map<string, string>();
  const out: Message[] = [];
  let instructions = 0;
  messages.forEach((message, index) => {
    const field = `messages[${index}]`;
    const encoded = encodeMessage(message, field, { ids, names, lose });
    if (encoded === undefined) return;
    const before = out.at(-1)?.role;
    if (encoded.role === "system" && (before === "assistant" || before === "tool")) {
      lose(field, "approximated", "instructions went to the beginning of the conversation");
      out.splice(instructions++, 0, encoded);
      return;
    }
    if (encoded.role === "user" && before === "tool") {
      lose(field, "approximated", "a word of the assistant was put before it, as the API insists");
      out.push({ role: "assistant", content: "Understood." });
    }
    if (encoded.role === "system" && out.length === instructions) instructions++;
    out.push(encoded);
  });
  return withPrefix(out);
}

/** The text that the answer is to go on from, which the API repeats in it; empty when there is none. */
export function prefixOf(messages: readonly Loose[]): string {
  const last = messages.at(-1);
  if (last?.prefix !== true) return "";
  return typeof last.content === "string" ? last.content : "";
}

function withPrefix(messages: Message[]): Message[] {
  const last = messages.at(-1);
  if (last?.role !== "assistant" || last.tool_calls !== undefined) return messages;
  return [...messages.slice(0, -1), { ...last, prefix: true }];
}

interface Context {
  readonly ids: MistralCallIds;
  /** Of the functions that were called, by the id of the call. */
  readonly names: Map<string, string>;
  readonly lose: Lose;
}

function encodeMessage(message: ChatMessage, field: string, context: Context): Message | undefined {
  const { lose } = context;
  const { role, name } = message;
  loseCacheMarks(message, field, lose);
  if (role !== "tool" && name !== undefined) {
    lose(`${field}.name`, "dropped", "the API knows no names of participants");
  }
  switch (role) {
    case "system":
    case "developer":
      return { role: "system", content: encodeText(message.content, `${field}.content`, lose) };
    case "user":
      return { role: "user", content: encodeContent(message.content, `${field}.content`, lose) };
    case "assistant":
      return encodeAssistant(message, field, context);
    default:
      return encodeResult(message, field, context);
  }
}

function encodeAssistant(message: ChatMessage, field: string, context: Context): Message | undefined {
  const { lose } = context;
  if (message.audio) lose(`${field}.audio`, "dropped", "the API takes back no spoken answers");
  const text = encodeText(message.content, `${field}.content`, lose) + asText(message.refusal);
  const thoughts = encodeReasoning(message, field, lose);
  const calls = (message.tool_calls ?? []).map((call, position) =>
    encodeCall(call, `${field}.tool_calls[${position}]`, context)
  );
  const said = text === "" ? [] : [{ type: "text", text }];
  if (thoughts.length + said.length + calls.length === 0) return undefined;
  return {
    role: "assistant",
    content: thoughts.length === 0 ? text : [...thoughts, ...said],
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
}

function encodeReasoning(message: ChatMessage, field: string, lose: Lose): Loose[] {
  return readReasoning(message).flatMap((item) => {
    if (item.format !== mistralFormat) {
      const whose = item.format === "" ? "nobody's" : "another vendor's";
      lose(
        `${field}.${item.field}`,
        "dropped",
        `the API takes back its own thoughts only, and this is ${whose}`,
      );
      return [];
    }
    return [{
      type: "thinking",
      thinking: [{ type: "text", text: item.text }],
      ...(item.signature === "" ? {} : { signature: item.signature }),
      closed: true,
    }];
  });
}

function encodeCall(call: ToolCall, field: string, { ids, names }: Context): Loose {
  if (call.function === undefined) throw invalid(`${field}.function`, "Only calls of functions are known.");
  const { name, arguments: input } = call.function;
  names.set(call.id, name);
  return { id: ids.encode(call.id), type: "function", function: { name, arguments: input || "{}" } };
}

function encodeResult(message: ChatMessage, field: string, { ids, names, lose }: Context): Message {
  const { tool_call_id: id } = message;
  if (id === undefined) {
    throw invalid(
      `${field}.tool_call_id`,
      "A tool message must name its call.",
      "missing_required_parameter",
    );
  }
  const name = names.get(id) ?? message.name;
  return {
    role: "tool",
    tool_call_id: ids.encode(id),
    ...(name === undefined ? {} : { name }),
    content: encodeContent(message.content, `${field}.content`, lose),
  };
}

function idsOf({ tool_calls: calls, tool_call_id: id }: ChatMessage): readonly string[] {
  return [...(calls ?? []).map((call) => call.id), ...(id === undefined ? [] : [id])];
}
