import type { ChatMessage } from "intellirouter/plugin";
import type { Place } from "../hub/places.ts";
import { readReasoning, type ReasoningItem } from "../hub/reasoning-items.ts";
import type { Block, EncodeContext } from "./encode-context.ts";

/** The name under which reasoning of Claude models travels in `reasoning_details`. */
export const claudeFormat = "anthropic-claude-v1";

/** What the model thought in an earlier turn, verbatim with its signatures: changed blocks are refused. */
export function encodeReasoning(
  message: ChatMessage,
  field: string,
  { lose }: Pick<EncodeContext, "lose">,
): { readonly place: Place; readonly block: Block }[] {
  return claudeReasoning(message, (item, why) => lose(`${field}.${item.field}`, "dropped", why))
    .map(({ kind, text, signature, place }) => ({
      place,
      block: kind === "encrypted"
        ? { type: "redacted_thinking", data: text }
        : { type: "thinking", thinking: text, signature },
    }));
}

/** The items that Claude takes back; of the others is told why not. */
export function claudeReasoning(
  message: ChatMessage,
  lose: (item: ReasoningItem, why: string) => void,
): ReasoningItem[] {
  return readReasoning(message).filter((item) => {
    if (item.format !== "" && item.format !== claudeFormat) {
      lose(item, `it is another vendor's reasoning (${item.format})`);
      return false;
    }
    if (item.kind === "encrypted" && item.text !== "") return true;
    if (item.kind === "text" && item.signature !== "") return true;
    lose(item, "reasoning without a signature is not taken back");
    return false;
  });
}
