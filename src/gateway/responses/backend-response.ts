import { UpstreamError } from "../../plugin/api/upstream-error.ts";
import type { ResponseObject } from "../../schema/response.ts";
import type { ResponseTurn } from "./response-turn.ts";

type Loose = Readonly<Record<string, unknown>>;

/**
 * The response of a backend that speaks the protocol itself, as the client may see it. The backend was told to keep nothing and
 * knows one turn only; where the gateway keeps the conversation, the response says so. The given one where nothing differs.
 *
 * @param forcedModel replaces the backend's `model` when given.
 */
export function ownResponse(
  given: unknown,
  turn: ResponseTurn,
  forcedModel: string | undefined,
): ResponseObject {
  const response = given as Loose | null | undefined;
  if (typeof response !== "object" || response === null || !Array.isArray(response.output)) {
    throw new UpstreamError({ kind: "bad_response", message: "The backend's answer has no output." });
  }
  const previous = turn.request.previous_response_id ?? null;
  const own: Record<string, unknown> = {
    ...(turn.store ? { id: turn.id, store: true } : {}),
    ...(previous === null ? {} : { previous_response_id: previous }),
    ...(turn.conversation === undefined ? {} : { conversation: { id: turn.conversation } }),
    ...(forcedModel === undefined ? {} : { model: forcedModel }),
  };
  const differs = Object.entries(own).some(([field, value]) => response[field] !== value);
  return (differs ? { ...response, ...own } : response) as ResponseObject;
}
