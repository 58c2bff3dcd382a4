import type { ChatCompletion } from "../../schema/chat-completion.ts";
import type { ResponseObject } from "../../schema/response.ts";
import { inPieces } from "../reasoning/places.ts";
import { incompleteReason, responseObject } from "./response-object.ts";
import { ResponseOutput } from "./response-output.ts";
import type { ResponseTurn } from "./response-turn.ts";

/** A whole chat answer as one of the Responses protocol. Its first choice: the protocol knows no others. */
export function chatToResponse(completion: ChatCompletion, turn: ResponseTurn): ResponseObject {
  const choice = completion.choices[0]!;
  const incomplete = incompleteReason(choice.finish_reason);
  const output = new ResponseOutput(turn, () => {});
  const pieces = inPieces(choice.message);
  // They are of the whole text; no backend has both them and reasoning between its words.
  const logprobs = pieces.length === 1 ? choice.logprobs : undefined;
  for (const piece of pieces) output.add(piece, logprobs);
  output.end(incomplete !== undefined);
  return responseObject(turn, {
    status: incomplete === undefined ? "completed" : "incomplete",
    model: completion.model,
    output: output.items(),
    usage: completion.usage,
    serviceTier: completion.service_tier,
    incomplete,
  });
}
