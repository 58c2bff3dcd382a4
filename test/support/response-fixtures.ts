import { inputItems, keptItems } from "../../src/gateway/responses/input-items.ts";
import { ResponseEventEncoder } from "../../src/gateway/responses/response-event-encoder.ts";
import { ResponseTurn, type ResponseTurnOptions } from "../../src/gateway/responses/response-turn.ts";
import { toApiError } from "../../src/router/to-api-error.ts";
import type { NormaliserOptions } from "../../src/gateway/operation.ts";
import type { FidelityLoss } from "../../src/plugin/api/provider.ts";
import { EventReader } from "../../src/plugin/api/wire/event-frames.ts";
import type { ChatCompletionChunk } from "../../src/schema/chat-completion.ts";
import type { ResponsesRequest } from "../../src/schema/response.ts";

export const normaliserOptions: NormaliserOptions = {
  includeUsage: false,
  forcedModel: undefined,
  fallbackId: "req_1",
  fallbackModel: "m",
  created: 1_700_000_000,
};

/** A turn as the gateway makes it, with a fixed id and time. */
export function turnOf(
  request: Partial<ResponsesRequest> = {},
  options: Partial<ResponseTurnOptions> = {},
): ResponseTurn {
  const whole: ResponsesRequest = { model: "m", input: "Hi", ...request };
  return new ResponseTurn({
    id: "resp_0123456789abcdef",
    request: whole,
    store: true,
    history: [],
    input: keptItems(inputItems(whole.input)),
    now: () => 1_700_000_000,
    ...options,
  });
}

/** Gathers what is lost. */
export function losses(): {
  readonly list: FidelityLoss[];
  readonly reportLoss: (loss: FidelityLoss) => void;
} {
  const list: FidelityLoss[] = [];
  return { list, reportLoss: (loss) => void list.push(loss) };
}

/** The bytes of a chat stream → the events that a client of the Responses protocol gets, failures told as such. */
export function asResponseEvents(body: string, turn: ResponseTurn = turnOf()): string[] {
  const reader = new EventReader<ChatCompletionChunk>();
  const encoder = new ResponseEventEncoder(normaliserOptions, turn);
  const texts: string[] = [];
  try {
    for (const frame of reader.feed(new TextEncoder().encode(body))) encoder.push(frame, texts);
    if (reader.failure !== undefined) throw reader.failure;
    if (!reader.done) { for (const frame of reader.end()) encoder.push(frame, texts); }
    if (reader.failure !== undefined) throw reader.failure;
    encoder.finish(texts);
  } catch (error) {
    texts.push(...encoder.fail(toApiError(error)));
  }
  return texts;
}
