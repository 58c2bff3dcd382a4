import type { Conversation } from "../../memory/contracts.ts";
import { madeConversation } from "../../memory/memory.ts";
import { ApiError } from "../../lib/api-error.ts";
import type { MemoryPolicy } from "../../schema/memory.ts";
import type { ResponseItem, ResponsesRequest } from "../../schema/response.ts";
import type { EndpointCall } from "../endpoint.ts";
import type { GatewayServices } from "../gateway-services.ts";
import type { GatewayMemory } from "./gateway-memory.ts";
import {
  checkNames,
  conversationNotFound,
  memoryRequest,
  memoryUnavailable,
  namedConversation,
} from "./memory-request.ts";

/** The conversation that a request of the Responses protocol goes on with. */
export interface ResponseConversation {
  readonly id: string;
  /** What was said before, as far as it is sent along. */
  readonly history: readonly ResponseItem[];
  /** Keeps what was said and answered; never throws. */
  keep(items: readonly ResponseItem[]): Promise<void>;
}

/**
 * Finds the conversation that a request names: by its `conversation`, or, for names that are remembered, by header or metadata.
 *
 * @param input the client's own items: calls whose results they bring are sent along.
 * @returns undefined where it names none.
 * @throws {ApiError} 400 beside `previous_response_id`, 404 for a conversation that the tenant does not have, 503.
 */
export async function responseConversation(
  { memory: gateway }: GatewayServices,
  { body, headers, principal }: EndpointCall<ResponsesRequest>,
  input: readonly ResponseItem[],
): Promise<ResponseConversation | undefined> {
  const isNamed = body.conversation !== undefined && body.conversation !== null;
  if (gateway === undefined) {
    if (isNamed) throw unsupported("The gateway keeps no conversations here; give `previous_response_id`.");
    return undefined;
  }
  const policy = gateway.policies().find(body.model);
  if (!isNamed && policy === undefined) return undefined;
  const request = memoryRequest(isNamed ? withoutConversation(headers) : headers, body);
  const id = isNamed ? namedConversation(body.conversation) : request.conversation;
  if (!isNamed && (request.mode === "off" || body.previous_response_id || policy?.window_tokens === 0)) {
    return undefined;
  }
  if (id === undefined) {
    if (isNamed) throw unsupported("`conversation` must be an id, or an object with an `id`.");
    return undefined;
  }
  if (body.previous_response_id) {
    throw unsupported("`previous_response_id` cannot be used in conjunction with `conversation`.");
  }
  checkNames({ ...request, conversation: id });
  const history = await read(gateway, principal.tenant, id, isNamed, policy, input);
  return {
    id,
    history,
    async keep(items) {
      if (!isNamed && request.mode === "read") return;
      try {
        const memory = await gateway.open();
        await memory.remember({
          tenant: principal.tenant,
          conversation: id,
          user: request.user,
          items,
          caller: principal.id,
          policy,
          opens: !isNamed && !id.startsWith(madeConversation),
        });
      } catch (error) {
        gateway.onError("a turn of a conversation is lost", error);
      }
    },
  };
}

async function read(
  gateway: GatewayMemory,
  tenant: string,
  id: string,
  isNamed: boolean,
  policy: MemoryPolicy | undefined,
  input: readonly ResponseItem[],
): Promise<readonly ResponseItem[]> {
  try {
    const memory = await gateway.open();
    const found: Conversation | undefined = await memory.find(tenant, id);
    if (found === undefined) {
      if (isNamed || id.startsWith(madeConversation)) throw conversationNotFound(id);
      return [];
    }
    const awaited = new Set(input.flatMap(({ call_id: call }) => typeof call === "string" ? [call] : []));
    return await memory.window(found, policy?.window_tokens, awaited);
  } catch (error) {
    if (error instanceof ApiError) throw error;
    // Whoever names a conversation wants an answer that knows it.
    if (isNamed || policy?.on_failure === "fail") throw memoryUnavailable(error);
    gateway.onError("the memory could not be read", error);
    return [];
  }
}

/** What the body says goes before what a header says. */
function withoutConversation(headers: Headers): Headers {
  const rest = new Headers(headers);
  rest.delete("x-intellirouter-conversation");
  return rest;
}

function unsupported(message: string): ApiError {
  return new ApiError({ status: 400, code: "invalid_value", param: "conversation", message });
}
