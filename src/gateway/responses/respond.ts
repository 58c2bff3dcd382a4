import { ApiError } from "../../lib/api-error.ts";
import type { InputTokensRequest, ResponseItem, ResponsesRequest } from "../../schema/response.ts";
import { complete } from "../complete.ts";
import type { Endpoint, EndpointCall } from "../endpoint.ts";
import type { AnswerStream, GatewayAnswer } from "../gateway-call.ts";
import type { GatewayServices } from "../gateway-services.ts";
import { inputTokensOperation, responsesOperation } from "../operations/responses.ts";
import { inputItems, keptItems } from "./input-items.ts";
import { type ResponseConversation, responseConversation } from "../memory/response-conversation.ts";
import type { StoredResponse } from "./response-store.ts";
import { makeId, ResponseTurn } from "./response-turn.ts";

/** `POST /v1/responses`: the pipeline with a memory before and behind it. */
export const responsesEndpoint: Endpoint<ResponsesRequest> = {
  streams: true,
  framing: "named",

  async answer(services, call) {
    const { body, principal: { tenant } } = call;
    const { history, input, kept } = await conversation(services, call);
    const store = body.store !== false && services.responses.isOpen;
    const turn = new ResponseTurn({
      id: makeId("resp"),
      request: body,
      store,
      history,
      conversation: kept?.id,
      input: store || kept !== undefined ? keptItems(input) : [],
      now: () => Math.floor(services.clock.now() / 1000),
    });
    const answer = await complete(services, {
      ...call,
      operation: responsesOperation(turn),
      body: withHistory(body, history, input),
    });
    return turn.store || kept !== undefined
      ? await keep(answer, turn, async ({ response, input }) => {
        if (turn.store) await services.responses.save(tenant, { response, input });
        if (response.status !== "failed") await kept?.keep([...input, ...keptItems(response.output)]);
      })
      : answer;
  },
};

/** `POST /v1/responses/input_tokens` */
export const inputTokensEndpoint: Endpoint<InputTokensRequest> = {
  streams: false,

  async answer(services, call) {
    const { history, input } = await conversation(services, call);
    const body = withHistory(call.body, history, input);
    return await complete(services, { ...call, operation: inputTokensOperation, body });
  },
};

/**
 * What was said before this turn, and what the client says in it.
 *
 * @throws {ApiError} 400 for what the gateway does not do, and for a response that it does not know; 404 for a conversation.
 */
async function conversation(
  services: GatewayServices,
  call: EndpointCall<ResponsesRequest>,
): Promise<{
  readonly history: readonly ResponseItem[];
  readonly input: readonly ResponseItem[];
  /** The conversation that the turn is added to. */
  readonly kept: ResponseConversation | undefined;
}> {
  const { responses } = services;
  const { body, principal: { tenant } } = call;
  refuseUnsupported(body);
  const given = inputItems(body.input);
  const { previous_response_id: previous } = body;
  if (given.length === 0 && !previous && !body.prompt) {
    throw new ApiError({
      status: 400,
      code: "missing_required_parameter",
      param: "input",
      message: "Missing required parameter: 'input'.",
    });
  }
  const kept = await responseConversation(services, call, given);
  const history = kept?.history ?? (previous ? await responses.conversation(tenant, previous) : []);
  if (!given.some(refers)) return { history, input: given, kept };
  const known = new Map(
    [...history, ...given].filter((item) => !refers(item)).map((item) => [item.id, item]),
  );
  const input = await Promise.all(given.map(async (item, index) => {
    if (!refers(item)) return item;
    const id = String(item.id);
    const found = known.get(id) ?? await responses.findItem(tenant, id);
    if (found === undefined) throw itemNotFound(id, index);
    return found;
  }));
  return { history, input, kept };
}

/** As the client wrote it, unless something is to be put before it or in its place. */
function withHistory<Body extends ResponsesRequest>(
  body: Body,
  history: readonly ResponseItem[],
  input: readonly ResponseItem[],
): Body {
  return history.length === 0 && !inputItems(body.input).some(refers)
    ? body
    : { ...body, input: [...history, ...input] };
}

function refers({ type }: ResponseItem): boolean {
  return type === "item_reference";
}

function refuseUnsupported({ background }: ResponsesRequest): void {
  if (background === true) {
    throw unsupported(
      "background",
      "The gateway runs no responses in the background; leave `background` out.",
    );
  }
}

/** The answer, which is kept before the client can ask for it. */
async function keep(
  answer: GatewayAnswer,
  turn: ResponseTurn,
  write: (stored: StoredResponse) => Promise<void>,
): Promise<GatewayAnswer> {
  const save = async () => {
    const { response, input } = turn;
    if (response !== undefined) await write({ response, input });
  };
  if (!("stream" in answer.content)) {
    await save();
    return answer;
  }
  return { ...answer, content: { stream: new KeptStream(answer.content.stream, turn, save) } };
}

/** Hands pieces on; those that say that the answer is whole only when it has been kept. */
class KeptStream implements AnswerStream {
  readonly #stream: AnswerStream;
  readonly #turn: ResponseTurn;
  readonly #save: () => Promise<void>;
  #done = false;

  constructor(stream: AnswerStream, turn: ResponseTurn, save: () => Promise<void>) {
    this.#stream = stream;
    this.#turn = turn;
    this.#save = save;
  }

  async next(): Promise<readonly string[] | undefined> {
    const texts = await this.#stream.next();
    if (!this.#done && this.#turn.response !== undefined) {
      this.#done = true;
      await this.#save();
    }
    return texts;
  }

  cancel(): void {
    // What the client did not wait for is not kept.
    this.#done = true;
    this.#stream.cancel();
  }
}

function unsupported(param: string, message: string): ApiError {
  return new ApiError({ status: 400, code: "unsupported_parameter", param, message });
}

function itemNotFound(id: string, index: number): ApiError {
  return new ApiError({
    status: 400,
    code: "item_not_found",
    param: `input[${index}]`,
    message: `Item with id '${
      id.slice(0, 256)
    }' not found. Only items of stored responses can be referred to.`,
  });
}
