import { UpstreamError } from "intellirouter/plugin";
import { asObject, asText, type Loose, objectsOf } from "../hub/loose.ts";

/**
 * The events that a message would have come in, had it not come whole.
 *
 * @throws {UpstreamError} `bad_response` when it is no message.
 */
export function wholeAsEvents(value: unknown): Loose[] {
  const message = asObject(value);
  if (!Array.isArray(message.content)) {
    throw new UpstreamError({ kind: "bad_response", message: "The backend's answer has no content." });
  }
  const { content, stop_reason, stop_sequence = null, stop_details, usage, ...head } = message;
  const start = { ...head, content: [], stop_reason: null, stop_sequence: null, usage };
  const end = { stop_reason, stop_sequence, ...(stop_details === undefined ? {} : { stop_details }) };
  return [
    { type: "message_start", message: start },
    ...objectsOf(content).flatMap(blockEvents),
    { type: "message_delta", delta: end, usage },
    { type: "message_stop" },
  ];
}

function blockEvents(block: Loose, index: number): Loose[] {
  const { empty, deltas } = pieces(block);
  return [
    { type: "content_block_start", index, content_block: empty },
    ...deltas.map((delta) => ({ type: "content_block_delta", index, delta })),
    { type: "content_block_stop", index },
  ];
}

/** A block as it begins, and what makes it what it is; blocks of other kinds come whole at their beginning. */
function pieces(block: Loose): { readonly empty: Loose; readonly deltas: readonly Loose[] } {
  switch (block.type) {
    case "text": {
      const { citations, ...text } = block;
      const cited = objectsOf(citations).map((citation) => ({ type: "citations_delta", citation }));
      return {
        empty: { ...text, text: "" },
        deltas: [{ type: "text_delta", text: asText(block.text) }, ...cited],
      };
    }
    case "thinking":
      return {
        empty: { ...block, thinking: "", signature: "" },
        deltas: [
          { type: "thinking_delta", thinking: asText(block.thinking) },
          { type: "signature_delta", signature: asText(block.signature) },
        ],
      };
    case "tool_use":
    case "server_tool_use":
    case "mcp_tool_use":
      return {
        empty: { ...block, input: {} },
        deltas: [{ type: "input_json_delta", partial_json: JSON.stringify(block.input ?? {}) }],
      };
    default:
      return { empty: block, deltas: [] };
  }
}
