import type { FidelityLoss } from "../../plugin/api/provider.ts";
import type { ResponseItem, ResponsesRequest } from "../../schema/response.ts";
import { isMade, isOwnSearch } from "./input-items.ts";
import type { ResponseTurn } from "./response-turn.ts";
import { isSealed } from "./sealed-reasoning.ts";

/** Asks for reasoning in the form in which it can be given back. */
const encryptedReasoning = "reasoning.encrypted_content";

/** Items whose ids name nothing at a backend that keeps nothing, and which need none. */
const idless = new Set([
  "message",
  "function_call",
  "function_call_output",
  "custom_tool_call",
  "custom_tool_call_output",
]);

/**
 * The request for a backend that speaks the protocol itself: the gateway keeps the conversation, so the backend gets all of it and
 * is told to keep nothing.
 *
 * @param body with the items of earlier turns before the client's own.
 */
export function backendRequest(
  body: ResponsesRequest,
  turn: ResponseTurn,
  reportLoss: (loss: FidelityLoss) => void,
): ResponsesRequest {
  const { previous_response_id: _previous, conversation: _conversation, ...rest } = body;
  const { input } = rest;
  const items = Array.isArray(input)
    ? input.flatMap((item, index) => backendItem(item, index - turn.earlierItems, reportLoss))
    : input;
  return { ...rest, input: items, store: false, ...include(body, turn) };
}

function backendItem(
  item: ResponseItem,
  own: number,
  reportLoss: (loss: FidelityLoss) => void,
): ResponseItem[] {
  if (isOwnSearch(item)) return [];
  // What no backend has sealed is there for people to read, and one that keeps nothing refuses it.
  if (item.type === "reasoning" && !item.encrypted_content) {
    if (own >= 0) {
      reportLoss({
        field: `input[${own}]`,
        effect: "dropped",
        detail: "only reasoning with encrypted_content can be given back",
      });
    }
    return [];
  }
  if (item.type === "reasoning" && isSealed(item.encrypted_content)) {
    reportLoss({
      field: own < 0 ? "previous_response_id" : `input[${own}]`,
      effect: "dropped",
      detail: "the reasoning is another backend's",
    });
    return [];
  }
  if (own >= 0 || !(idless.has(item.type ?? "") || isMade(item))) return [item];
  const { id: _id, ...rest } = item;
  return [rest];
}

/**
 * What is kept must be of use in the next turn. Models that do not reason refuse to be asked for it, so a request shows that its
 * model does.
 */
function include(
  body: ResponsesRequest,
  { store, conversation }: ResponseTurn,
): Pick<ResponsesRequest, "include"> {
  const asked = body.include ?? [];
  const reasons = Boolean(body.reasoning) ||
    (Array.isArray(body.input) && body.input.some(({ type }) => type === "reasoning"));
  return (store || conversation !== undefined) && reasons && !asked.includes(encryptedReasoning)
    ? { include: [...asked, encryptedReasoning] }
    : {};
}
