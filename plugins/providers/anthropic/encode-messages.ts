import type { ChatMessage } from "intellirouter/plugin";
import { CallIds } from "../hub/call-ids.ts";
import { callInput } from "../hub/call-input.ts";
import { asText, isObject } from "../hub/loose.ts";
import { arrange } from "../hub/places.ts";
import { invalid } from "../hub/refuse.ts";
import type { Block, EncodeContext } from "./encode-context.ts";
import { cacheControl, encodeContent, encodeText } from "./encode-parts.ts";
import { encodeReasoning } from "./encode-reasoning.ts";

interface Turn {
  readonly role: "user" | "assistant" | "system";
  readonly content: Block[];
}

export interface EncodedConversation {
  readonly system: Block[];
  readonly turns: Turn[];
}

/**
 * A conversation as turns. Neighbours of one role become one turn, so that the results of parallel calls come together in the turn
 * after them, before anything else, as the API insists (wire §2).
 */
export function encodeConversation(
  messages: readonly ChatMessage[],
  context: EncodeContext,
): EncodedConversation {
  const system: Block[] = [];
  const turns: Turn[] = [];
  const ids = new CallIds();
  const add = (role: Turn["role"], blocks: Block[]) => {
    const last = turns.at(-1);
    if (last?.role === role) last.content.push(...blocks);
    else if (blocks.length > 0) turns.push({ role, content: [...blocks] });
  };
  messages.forEach((message, index) => {
    const field = `messages[${index}]`;
    loseNames(message, field, context);
    if (message.role === "system" || message.role === "developer") {
      const blocks = withMark(
        encodeText(message.content, `${field}.content`, context),
        message,
        field,
        context,
      );
      if (turns.length === 0) system.push(...blocks);
      else if (staysInPlace(turns, messages, index, context)) add("system", blocks);
      else if (blocks.length > 0) {
        context.lose(field, "approximated", "instructions went to the beginning of the conversation");
        system.push(...blocks);
      }
    } else if (message.role === "assistant") {
      add("assistant", encodeAssistant(message, field, ids, context));
    } else if (message.role === "user") {
      add(
        "user",
        withMark(encodeContent(message.content, `${field}.content`, context), message, field, context),
      );
    } else add("user", [encodeResult(message, field, ids, context)]);
  });
  return { system, turns: turns.map(finishTurn) };
}

/**
 * Instructions in the middle may stay between what the user said and what the assistant answers, on models that know them
 * (Anthropic: "Mid-conversation system messages").
 */
function staysInPlace(
  turns: readonly Turn[],
  messages: readonly ChatMessage[],
  index: number,
  { options, traits }: EncodeContext,
): boolean {
  if (options.system_messages === "first" || !traits.systemInConversation) return false;
  const before = turns.at(-1)?.role;
  const next = messages.slice(index + 1).find(({ role }) => role !== "system" && role !== "developer");
  return (before === "user" || before === "system") && (next === undefined || next.role === "assistant");
}

function encodeAssistant(
  message: ChatMessage,
  field: string,
  ids: CallIds,
  context: EncodeContext,
): Block[] {
  if (message.audio) context.lose(`${field}.audio`, "dropped", "the API knows no spoken answers");
  const refusal = asText(message.refusal);
  const calls = (message.tool_calls ?? []).map((call, position): Block => {
    const place = `${field}.tool_calls[${position}]`;
    if (call.function === undefined) throw invalid(`${place}.function`, "Only calls of functions are known.");
    return {
      type: "tool_use",
      id: ids.encode(call.id),
      name: call.function.name,
      input: callInput(call, place, context.lose),
      ...cacheControl(call, place, context.lose),
    };
  });
  const blocks = arrange<Block>({
    thoughts: encodeReasoning(message, field, context),
    content: message.content,
    calls,
    encodeContent: (content) => encodeText(content, `${field}.content`, context),
  });
  if (refusal !== "") blocks.push({ type: "text", text: refusal });
  return isThought(blocks.at(-1)) ? blocks : withMark(blocks, message, field, context);
}

function encodeResult(message: ChatMessage, field: string, ids: CallIds, context: EncodeContext): Block {
  if (message.tool_call_id === undefined) {
    throw invalid(
      `${field}.tool_call_id`,
      "A tool message must name its call.",
      "missing_required_parameter",
    );
  }
  const blocks = encodeContent(message.content, `${field}.content`, context);
  const [only] = blocks;
  const isPlain = blocks.length === 1 && only?.type === "text" && only.cache_control === undefined;
  return {
    type: "tool_result",
    tool_use_id: ids.encode(message.tool_call_id),
    ...(blocks.length === 0 ? {} : { content: isPlain ? only.text : blocks }),
    ...(message.is_error === true ? { is_error: true } : {}),
    ...cacheControl(message, field, context.lose),
  };
}

/** Thoughts go back as they came, without marks. */
function isThought(block: Block | undefined): boolean {
  return block?.type === "thinking" || block?.type === "redacted_thinking";
}

/** A mark on a message is one on its last block. */
function withMark(blocks: Block[], message: ChatMessage, field: string, { lose }: EncodeContext): Block[] {
  const last = blocks.at(-1);
  if (last === undefined || last.cache_control !== undefined) return blocks;
  return [...blocks.slice(0, -1), { ...last, ...cacheControl(message, field, lose) }];
}

function loseNames({ role, name }: ChatMessage, field: string, { lose }: EncodeContext): void {
  if (role !== "tool" && name !== undefined) {
    lose(`${field}.name`, "dropped", "the API knows no names of participants");
  }
}

/** Results first; and what the answer is to go on from must not end in blanks. */
function finishTurn({ role, content }: Turn, index: number, turns: readonly Turn[]): Turn {
  if (role === "user") {
    const results = content.filter(({ type }) => type === "tool_result");
    return { role, content: [...results, ...content.filter(({ type }) => type !== "tool_result")] };
  }
  const last = content.at(-1);
  if (role === "assistant" && index === turns.length - 1 && isObject(last) && last.type === "text") {
    return { role, content: [...content.slice(0, -1), { ...last, text: asText(last.text).trimEnd() }] };
  }
  return { role, content };
}
