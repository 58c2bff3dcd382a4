import type { ChatMessage } from "intellirouter/plugin";
import { asText, type Loose, objectsOf } from "./loose.ts";
import { beginning, type Place, readPlace } from "./places.ts";

/** One block of what a model thought in an earlier turn, put together from the pieces that a client kept. */
export interface ReasoningItem {
  readonly kind: "text" | "encrypted" | "summary";
  /** What was thought; the cipher of `encrypted`. */
  readonly text: string;
  /** Proves that the text is the backend's own; empty when there is none. */
  readonly signature: string;
  /** Whose it is: `anthropic-claude-v1`; empty when the client does not say. */
  readonly format: string;
  /** The tool call that it belongs to; empty when to none. */
  readonly id: string;
  /** What of the answer stood before it. */
  readonly place: Place;
  /** Where it is in the message, for those who are told of it. */
  readonly field: string;
}

/**
 * The reasoning that a client sends back on an assistant message, in the order of its blocks: `reasoning_details`, or else the
 * `thinking_blocks` that clients of other gateways know, or else bare text.
 */
export function readReasoning(message: ChatMessage): readonly ReasoningItem[] {
  const details = objectsOf(message.reasoning_details);
  if (details.length > 0) return joinDetails(details);
  const blocks = objectsOf(message.thinking_blocks);
  if (blocks.length > 0) return blocks.map(fromThinkingBlock);
  const text = asText(message.reasoning_content) || asText(message.reasoning);
  if (text === "") return [];
  const field = "reasoning_content";
  return [{ kind: "text", text, signature: "", format: "", id: "", place: beginning, field }];
}

function fromThinkingBlock(block: Loose, position: number): ReasoningItem {
  const field = `thinking_blocks[${position}]`;
  const common = { format: "anthropic-claude-v1", id: "", place: beginning, field };
  return block.type === "redacted_thinking"
    ? { kind: "encrypted", text: asText(block.data), signature: "", ...common }
    : { kind: "text", text: asText(block.thinking), signature: asText(block.signature), ...common };
}

/** Items of one index and kind are pieces of one block: clients keep the deltas of a stream as they came. */
function joinDetails(details: readonly Loose[]): readonly ReasoningItem[] {
  const items = new Map<string, ReasoningItem>();
  details.forEach((detail, position) => {
    const piece = readDetail(detail, position);
    if (piece === undefined) return;
    const isNumbered = typeof detail.index === "number";
    const key = isNumbered ? `${piece.kind} ${detail.index}` : `alone ${position}`;
    const known = items.get(key);
    items.set(
      key,
      known === undefined ? piece : {
        ...known,
        text: known.text + piece.text,
        signature: piece.signature || known.signature,
        format: known.format || piece.format,
        id: known.id || piece.id,
      },
    );
  });
  return [...items.values()];
}

function readDetail(detail: Loose, position: number): ReasoningItem | undefined {
  const common = {
    signature: asText(detail.signature),
    format: asText(detail.format),
    id: asText(detail.id),
    place: readPlace(detail),
    field: `reasoning_details[${position}]`,
  };
  switch (detail.type) {
    case "reasoning.text":
      return { kind: "text", text: asText(detail.text), ...common };
    case "reasoning.encrypted":
      return { kind: "encrypted", text: asText(detail.data), ...common };
    case "reasoning.summary":
      return { kind: "summary", text: asText(detail.summary), ...common };
    default:
      return undefined;
  }
}
