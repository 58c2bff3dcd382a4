import type { ChatMessage } from "intellirouter/plugin";
import { asCount, asText, isObject, type Loose, objectsOf } from "./loose.ts";

/** What of an answer stood before a block of thoughts: models that think between their steps want it back there. */
export interface Place {
  /** Characters (UTF-16) of the content. */
  readonly content: number;
  readonly calls: number;
}

export const beginning: Place = { content: 0, calls: 0 };

/** The field of an item of `reasoning_details` that tells its place; none at the beginning, where most stand. */
export function placeField({ content, calls }: Place): Loose {
  return content + calls === 0 ? {} : { after: { content, tool_calls: calls } };
}

export function readPlace({ after }: Loose): Place {
  if (!isObject(after)) return beginning;
  return { content: asCount(after.content), calls: asCount(after.tool_calls) };
}

/** What an assistant's turn consists of. */
export interface TurnBlocks<Block> {
  readonly thoughts: readonly { readonly place: Place; readonly block: Block }[];
  readonly content: ChatMessage["content"];
  readonly calls: readonly Block[];
  /** Blocks of a part of the content. */
  encodeContent(content: ChatMessage["content"]): readonly Block[];
}

/** The blocks of a turn in the order in which they came; without places the thoughts stand first and the calls last. */
export function arrange<Block>({ thoughts, content, calls, encodeContent }: TurnBlocks<Block>): Block[] {
  const blocks: Block[] = [];
  let rest = content;
  let given: Place = beginning;
  for (const { place, block } of thoughts) {
    if (place.content > given.content) {
      const [before, after] = cut(rest, place.content - given.content);
      blocks.push(...encodeContent(before));
      rest = after;
    }
    blocks.push(...calls.slice(given.calls, place.calls), block);
    given = {
      content: Math.max(given.content, place.content),
      calls: Math.max(given.calls, place.calls),
    };
  }
  return [...blocks, ...encodeContent(rest), ...calls.slice(given.calls)];
}

/** Content in two, after so many characters of its text. */
function cut(
  content: ChatMessage["content"],
  at: number,
): readonly [ChatMessage["content"], ChatMessage["content"]] {
  if (!Array.isArray(content)) {
    const text = asText(content);
    return [text.slice(0, at), text.slice(at)];
  }
  const before: Loose[] = [];
  const after: Loose[] = [];
  let left = at;
  for (const part of objectsOf(content)) {
    const text = asText(part.text);
    if (left >= text.length) before.push(part);
    else if (left === 0) after.push(part);
    else {
      before.push({ ...part, text: text.slice(0, left) });
      after.push({ ...part, text: text.slice(left) });
    }
    left = Math.max(0, left - text.length);
  }
  return [before, after] as unknown as readonly [ChatMessage["content"], ChatMessage["content"]];
}
