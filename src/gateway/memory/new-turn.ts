import type { ChatMessage } from "../../schema/chat-completion.ts";
import { plainText } from "../stages/content-texts.ts";

export interface NewTurn {
  /** What is put before the client's messages. */
  readonly before: readonly ChatMessage[];
  /** What of the client's messages has not been said before. */
  readonly fresh: readonly ChatMessage[];
}

/**
 * Tells what is new in a request. Many clients send the whole conversation every time, some send the last words only: where what
 * they send ends or begins with what is kept, nothing is sent or kept twice.
 *
 * @param kept the newest part of what is kept, oldest first; undefined where that cannot be known.
 * @param sent the client's messages without instructions.
 */
export function newTurn(kept: readonly ChatMessage[] | undefined, sent: readonly ChatMessage[]): NewTurn {
  const lastAnswer = sent.findLastIndex(({ role }) => role === "assistant");
  // Without an answer in it, it is no conversation but the next words of one.
  if (lastAnswer < 0) return { before: kept ?? [], fresh: sent };
  if (kept?.length === 0) return { before: [], fresh: sent };
  const texts = sent.map(fingerprint);
  const known = (kept ?? []).map(fingerprint);
  for (let end = lastAnswer + 1; end > 0 && known.length > 0; end--) {
    if (!endsAlike(known, texts, end)) continue;
    return { before: kept!.slice(0, Math.max(0, known.length - end)), fresh: sent.slice(end) };
  }
  // The client tells the conversation in its own way, which then holds.
  return { before: [], fresh: sent.slice(lastAnswer + 1) };
}

/** Whether the first `end` of the texts end as what is known does, as far as both reach. */
function endsAlike(known: readonly string[], texts: readonly string[], end: number): boolean {
  const length = Math.min(end, known.length);
  for (let back = 1; back <= length; back++) {
    if (known[known.length - back] !== texts[end - back]) return false;
  }
  return true;
}

function fingerprint({ role, content, tool_calls: calls, tool_call_id: id }: ChatMessage): string {
  const called = (calls ?? []).map((call) => [call.function?.name, call.function?.arguments]);
  return JSON.stringify([role, plainText(content).trim(), called, role === "tool" ? id : null]);
}
