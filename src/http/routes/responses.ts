import { z } from "zod";
import type { StoredResponse } from "../../gateway/responses/response-store.ts";
import { ApiError } from "../../lib/api-error.ts";
import {
  deletedResponseSchema,
  type ResponseItem,
  type ResponseItemList,
  responseItemListSchema,
  responseSchema,
} from "../../schema/response.ts";
import type { Exchange } from "../exchange.ts";
import { jsonResponse } from "../json-response.ts";
import type { Route } from "../route.ts";
import { validate } from "../validate.ts";

const listQuerySchema = z.strictObject({
  limit: z.number().int().min(1).max(100).describe("Most items to give; 20 when absent."),
  order: z.enum(["asc", "desc"]).optional().describe("By time; the newest first (desc) when absent."),
  after: z.string().optional().describe("Only items that come after the one with this id."),
});

const getQuerySchema = z.strictObject({
  stream: z.string().optional().describe("Not supported: a stored response comes whole."),
});

/** Kept responses: to be read, listed and deleted. */
export const responseRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/responses/:id",
    permission: "inference",
    tag: "Inference",
    summary: "A stored response.",
    querySchema: getQuerySchema,
    responseSchema,
    async handle(exchange) {
      if (exchange.query("stream") === "true") {
        throw unsupported("stream", "A stored response comes whole; leave `stream` out.");
      }
      const { response } = await stored(exchange);
      return jsonResponse(response, exchange.requestId);
    },
  },
  {
    method: "POST",
    path: "/v1/responses/compact",
    permission: "inference",
    tag: "Inference",
    summary: "Not there: conversations are compacted at OpenAI only. Says so.",
    handle() {
      throw new ApiError({
        status: 404,
        code: "unsupported_endpoint",
        message:
          "The gateway compacts no conversations. Send the whole of them, or go on from `previous_response_id`.",
      });
    },
  },
  {
    method: "DELETE",
    path: "/v1/responses/:id",
    permission: "inference",
    tag: "Inference",
    summary: "Deletes a stored response.",
    responseSchema: deletedResponseSchema,
    async handle(exchange) {
      const { services, principal, requestId } = exchange;
      const id = exchange.parameter("id");
      if (!await services.gateway.responses.delete(principal.tenant, id)) throw notFound(id);
      return jsonResponse({ id, object: "response", deleted: true }, requestId);
    },
  },
  {
    method: "GET",
    path: "/v1/responses/:id/input_items",
    permission: "inference",
    tag: "Inference",
    summary: "What led to a stored response, earlier turns included.",
    querySchema: listQuerySchema,
    responseSchema: responseItemListSchema,
    async handle(exchange) {
      const { query, requestId, services, principal } = exchange;
      const raw: Record<string, unknown> = { limit: Number(query("limit") ?? 20) };
      for (const name of ["order", "after"]) {
        const value = query(name);
        if (value !== undefined) raw[name] = value;
      }
      const page = validate(listQuerySchema, raw);
      const { response, input } = await stored(exchange);
      const previous = response.previous_response_id;
      const history = previous
        ? await services.gateway.responses.conversation(principal.tenant, previous)
        : [];
      return jsonResponse(listPage([...history, ...input], page), requestId);
    },
  },
  {
    method: "POST",
    path: "/v1/responses/:id/cancel",
    permission: "inference",
    tag: "Inference",
    summary: "Refused: no response runs in the background.",
    responseSchema,
    async handle(exchange) {
      await stored(exchange);
      throw new ApiError({
        status: 400,
        code: "response_not_cancellable",
        message: "Only responses that run in the background can be cancelled, and the gateway runs none.",
      });
    },
  },
];

function listPage(
  oldestFirst: readonly ResponseItem[],
  { limit, order, after }: z.infer<typeof listQuerySchema>,
): ResponseItemList {
  const items = order === "asc" ? oldestFirst : oldestFirst.toReversed();
  const start = after === undefined ? 0 : items.findIndex(({ id }) => id === after) + 1;
  if (after !== undefined && start === 0) {
    throw new ApiError({
      status: 400,
      code: "invalid_value",
      param: "after",
      message: `Invalid value for 'after': there is no item '${after.slice(0, 256)}' in this list.`,
    });
  }
  const data = items.slice(start, start + limit);
  return {
    object: "list",
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: start + data.length < items.length,
  };
}

/** @throws {ApiError} 404 */
async function stored({ services, principal, parameter }: Exchange): Promise<StoredResponse> {
  const id = parameter("id");
  const found = await services.gateway.responses.find(principal.tenant, id);
  if (found === undefined) throw notFound(id);
  return found;
}

function notFound(id: string): ApiError {
  return new ApiError({
    status: 404,
    code: "response_not_found",
    message: `Response with id '${id.slice(0, 256)}' not found.`,
  });
}

function unsupported(param: string, message: string): ApiError {
  return new ApiError({ status: 400, code: "unsupported_parameter", param, message });
}
