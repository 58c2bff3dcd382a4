import type { ChatCompletion } from "../../schema/chat-completion.ts";

type Loose = Readonly<Record<string, unknown>>;
type Message = ChatCompletion["choices"][number]["message"];

/** What of an answer stood before some reasoning: characters (UTF-16) of its content, and tool calls. */
export interface Place {
  readonly content: number;
  readonly calls: number;
}

/** How an item of `reasoning_details` tells its place; not at all at the beginning, where most stand. */
export function placeField({ content, calls }: Place): Loose {
  return content + calls === 0 ? {} : { after: { content, tool_calls: calls } };
}

/** An item of `reasoning_details` without its place, for protocols whose own order tells it. */
export function withoutPlace({ after: _after, ...detail }: Loose): Loose {
  return detail;
}

/**
 * A whole message as pieces in the order in which they came: models that think between their steps tell with each thought what stood
 * before it. A message whose reasoning all stands first is its only piece.
 */
export function inPieces(message: Message): Loose[] {
  const { content, tool_calls: calls = [], reasoning_details: details, ...rest } = message;
  const thoughts = Array.isArray(details) ? details as Loose[] : [];
  if (!thoughts.some(({ after }) => after)) return [message];
  const pieces: Loose[] = [];
  const text = content ?? "";
  let given: Place = { content: 0, calls: 0 };
  const speak = (place: Place) => {
    if (place.content > given.content) pieces.push({ content: text.slice(given.content, place.content) });
    if (place.calls > given.calls) pieces.push({ tool_calls: numbered(calls, given.calls, place.calls) });
    given = { content: Math.max(place.content, given.content), calls: Math.max(place.calls, given.calls) };
  };
  for (const thought of thoughts) {
    const { content: characters, tool_calls: count } = (thought.after ?? {}) as Loose;
    speak({ content: Number(characters) || 0, calls: Number(count) || 0 });
    pieces.push({ reasoning_details: [withoutPlace(thought)] });
  }
  speak({ content: text.length, calls: calls.length });
  // The words of all thoughts together are in their items already.
  const { reasoning_content: _words, reasoning: _again, ...others } = rest as Loose;
  return [...pieces, others];
}

function numbered(calls: readonly object[], from: number, to: number): Loose[] {
  return calls.slice(from, to).map((call, position) => ({ ...call, index: from + position }));
}
