import type { ChatMessage } from "intellirouter/plugin";
import { claudeReasoning } from "../anthropic/encode-reasoning.ts";
import { callInput } from "../hub/call-input.ts";
import { asText } from "../hub/loose.ts";
import { arrange } from "../hub/places.ts";
import { readReasoning } from "../hub/reasoning-items.ts";
import { invalid } from "../hub/refuse.ts";
import { type Block, cachePoint, type EncodeContext } from "./encode-context.ts";
import { encodeContent, encodeText, isBlock } from "./encode-parts.ts";

interface Turn {
  readonly role: "user" | "assistant";
  readonly content: Block[];
}

export interface EncodedConversation {
  readonly system: Block[];
  readonly turns: Turn[];
}

/**
 * A conversation as turns that alternate. All results of one round of calls stand in the turn after it, before anything else (wire §2);
 * instructions go to the beginning, wherever they were.
 */
export function encodeConversation(
  messages: readonly ChatMessage[],
  context: EncodeContext,
): EncodedConversation {
  const system: Block[] = [];
  const turns: Turn[] = [];
  const add = (role: Turn["role"], blocks: Block[]) => {
    const last = turns.at(-1);
    if (last?.role === role) last.content.push(...blocks);
    else if (blocks.length > 0) turns.push({ role, content: [...blocks] });
  };
  messages.forEach((message, index) => {
    const field = `messages[${index}]`;
    const { role, content } = message;
    if (role !== "tool" && message.name !== undefined) {
      context.lose(`${field}.name`, "dropped", "the API knows no names of participants");
    }
    if (role === "system" || role === "developer") {
      const blocks = [
        ...encodeText(content, `${field}.content`, context),
        ...cachePoint(message, field, context),
      ];
      if (turns.length > 0 && blocks.length > 0) {
        context.lose(field, "approximated", "instructions went to the beginning of the conversation");
      }
      system.push(...blocks);
    } else if (role === "assistant") add("assistant", encodeAssistant(message, field, context));
    else if (role === "user") {
      add("user", [
        ...encodeContent(content, `${field}.content`, context),
        ...cachePoint(message, field, context),
      ]);
    } else {
      add("user", [encodeResult(message, field, context), ...cachePoint(message, field, context)]);
    }
  });
  return { system, turns: turns.map(finishTurn) };
}

function encodeAssistant(message: ChatMessage, field: string, context: EncodeContext): Block[] {
  if (message.audio) context.lose(`${field}.audio`, "dropped", "the API knows no spoken answers");
  const refusal = asText(message.refusal);
  const calls = (message.tool_calls ?? []).flatMap((call, position): Block[] => {
    const place = `${field}.tool_calls[${position}]`;
    if (call.function === undefined) throw invalid(`${place}.function`, "Only calls of functions are known.");
    const input = callInput(call, place, context.lose);
    const use = { toolUse: { toolUseId: context.ids.encode(call.id), name: call.function.name, input } };
    return [use, ...cachePoint(call, place, context)];
  });
  const blocks = arrange<Block>({
    thoughts: encodeReasoning(message, field, context),
    content: message.content,
    calls,
    encodeContent: (content) => encodeText(content, `${field}.content`, context),
  });
  if (refusal !== "") blocks.push({ text: refusal });
  return [...blocks, ...cachePoint(message, field, context)];
}

/** Only Claude takes back what it thought, verbatim with its signatures. */
function encodeReasoning(message: ChatMessage, field: string, { traits, lose }: EncodeContext) {
  if (traits.claude === undefined) {
    for (const item of readReasoning(message)) {
      lose(`${field}.${item.field}`, "dropped", "this model takes no reasoning back");
    }
    return [];
  }
  return claudeReasoning(message, (item, why) => lose(`${field}.${item.field}`, "dropped", why)).map((
    { kind, text, signature, place },
  ) => ({
    place,
    block: {
      reasoningContent: kind === "encrypted"
        ? { redactedContent: text }
        : { reasoningText: { text, signature } },
    },
  }));
}

function encodeResult(message: ChatMessage, field: string, context: EncodeContext): Block {
  if (message.tool_call_id === undefined) {
    throw invalid(
      `${field}.tool_call_id`,
      "A tool message must name its call.",
      "missing_required_parameter",
    );
  }
  const inner = { ...context, traits: { ...context.traits, cachePoints: false } };
  const content = encodeContent(message.content, `${field}.content`, inner);
  return {
    toolResult: {
      toolUseId: context.ids.encode(message.tool_call_id),
      // Blank text is refused, and so is none at all by some models.
      content: content.length === 0 ? [{ text: "(empty)" }] : content,
      ...(message.is_error === true ? { status: "error" } : {}),
    },
  };
}

function finishTurn({ role, content }: Turn, index: number, turns: readonly Turn[]): Turn {
  if (role === "user") {
    const results = content.filter((block) => isBlock(block, "toolResult"));
    const others = content.filter((block) => !isBlock(block, "toolResult"));
    // A document may not come without words.
    const isWordless = others.some((block) => isBlock(block, "document")) &&
      !others.some((block) => isBlock(block, "text"));
    return { role, content: [...results, ...(isWordless ? [{ text: "See the document." }] : []), ...others] };
  }
  const last = content.at(-1);
  if (index === turns.length - 1 && last !== undefined && isBlock(last, "text")) {
    return { role, content: [...content.slice(0, -1), { text: asText(last.text).trimEnd() }] };
  }
  return { role, content };
}
