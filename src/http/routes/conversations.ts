import { z } from "zod";
import { conversationNotFound, memoryUnavailable } from "../../gateway/memory/memory-request.ts";
import { inputItems, keptItems } from "../../gateway/responses/input-items.ts";
import { makeId } from "../../gateway/responses/response-turn.ts";
import { ApiError } from "../../lib/api-error.ts";
import type { Conversation } from "../../memory/contracts.ts";
import { madeConversation, type Memory } from "../../memory/memory.ts";
import {
  conversationSchema,
  createConversationSchema,
  createItemsSchema,
  deletedConversationSchema,
  updateConversationSchema,
} from "../../schema/memory.ts";
import { type ResponseItem, responseItemListSchema, responseItemSchema } from "../../schema/response.ts";
import type { Exchange } from "../exchange.ts";
import { jsonResponse } from "../json-response.ts";
import { readJson } from "../read-json.ts";
import type { Route } from "../route.ts";
import { validate } from "../validate.ts";

const listQuerySchema = z.strictObject({
  limit: z.number().int().min(1).max(100).describe("Most items to give; 20 when absent."),
  order: z.enum(["asc", "desc"]).optional().describe("By time; the newest first (desc) when absent."),
  after: z.string().optional().describe("Only items that come after the one with this id."),
});

const about = { permission: "inference", tag: "Conversations" } as const;

/** OpenAI's Conversations API. What another tenant has is as unknown as what never was. */
export const conversationRoutes: readonly Route[] = [
  {
    ...about,
    method: "POST",
    path: "/v1/conversations",
    summary: "Makes a conversation.",
    requestSchema: createConversationSchema,
    responseSchema: conversationSchema,
    handle: (exchange) =>
      withMemory(exchange, async (memory) => {
        const { items, metadata } = validate(createConversationSchema, await body(exchange));
        const { tenant } = exchange.principal;
        const id = makeId(madeConversation.slice(0, -1));
        const given = itemsOf(items);
        const made = await memory.conversations.create({
          tenant,
          id,
          user: undefined,
          metadata: metadata ?? {},
        });
        if (given.length > 0) await memory.add(tenant, id, given);
        return view(made!);
      }),
  },
  {
    ...about,
    method: "GET",
    path: "/v1/conversations/:id",
    summary: "A conversation.",
    responseSchema: conversationSchema,
    handle: (exchange) => withMemory(exchange, async (memory) => view(await found(memory, exchange))),
  },
  {
    ...about,
    method: "POST",
    path: "/v1/conversations/:id",
    summary: "Gives a conversation other metadata.",
    requestSchema: updateConversationSchema,
    responseSchema: conversationSchema,
    handle: (exchange) =>
      withMemory(exchange, async (memory) => {
        const { id } = await found(memory, exchange);
        const { metadata } = validate(updateConversationSchema, await body(exchange));
        const changed = await memory.conversations.setMetadata(exchange.principal.tenant, id, metadata ?? {});
        if (changed === undefined) throw conversationNotFound(id);
        return view(changed);
      }),
  },
  {
    ...about,
    method: "DELETE",
    path: "/v1/conversations/:id",
    summary: "Deletes a conversation, its items, and what was learnt in it.",
    responseSchema: deletedConversationSchema,
    handle: (exchange) =>
      withMemory(exchange, async (memory) => {
        const id = exchange.parameter("id");
        if (!await memory.forget(exchange.principal.tenant, id)) throw conversationNotFound(id);
        return { id, object: "conversation.deleted", deleted: true };
      }),
  },
  {
    ...about,
    method: "POST",
    path: "/v1/conversations/:id/items",
    summary: "Adds items at the end of a conversation.",
    requestSchema: createItemsSchema,
    responseSchema: responseItemListSchema,
    handle: (exchange) =>
      withMemory(exchange, async (memory) => {
        const { id } = await found(memory, exchange);
        const given = itemsOf(validate(createItemsSchema, await body(exchange)).items);
        const changed = await memory.add(exchange.principal.tenant, id, given);
        if (changed === undefined) throw conversationNotFound(id);
        return listOf(given, false);
      }),
  },
  {
    ...about,
    method: "GET",
    path: "/v1/conversations/:id/items",
    summary: "The items of a conversation.",
    querySchema: listQuerySchema,
    responseSchema: responseItemListSchema,
    handle: (exchange) =>
      withMemory(exchange, async (memory) => {
        const { id } = await found(memory, exchange);
        const { limit, order = "desc", after } = listQuery(exchange);
        const page = await memory.conversations.page(exchange.principal.tenant, id, {
          order,
          after,
          limit: limit + 1,
        });
        if (page === undefined) throw noSuchItem(after!, "after");
        return listOf(page.slice(0, limit).map(({ item }) => item), page.length > limit);
      }),
  },
  {
    ...about,
    method: "GET",
    path: "/v1/conversations/:id/items/:item",
    summary: "One item of a conversation.",
    responseSchema: responseItemSchema,
    handle: (exchange) =>
      withMemory(exchange, async (memory) => {
        const { id } = await found(memory, exchange);
        const item = exchange.parameter("item");
        const kept = await memory.conversations.item(exchange.principal.tenant, id, item);
        if (kept === undefined) throw noSuchItem(item);
        return kept;
      }),
  },
  {
    ...about,
    method: "DELETE",
    path: "/v1/conversations/:id/items/:item",
    summary: "Takes an item out of a conversation.",
    responseSchema: conversationSchema,
    handle: (exchange) =>
      withMemory(exchange, async (memory) => {
        const conversation = await found(memory, exchange);
        const item = exchange.parameter("item");
        const { tenant } = exchange.principal;
        if (!await memory.conversations.removeItem(tenant, conversation.id, item)) throw noSuchItem(item);
        return view(conversation);
      }),
  },
];

async function withMemory(
  { services, requestId }: Exchange,
  work: (memory: Memory) => Promise<unknown>,
): Promise<Response> {
  try {
    const { memory } = await services.memory();
    return jsonResponse(await work(memory), requestId);
  } catch (error) {
    throw error instanceof ApiError ? error : memoryUnavailable(error);
  }
}

/** @throws {ApiError} 404 */
async function found(memory: Memory, { principal, parameter }: Exchange): Promise<Conversation> {
  const id = parameter("id");
  const conversation = await memory.find(principal.tenant, id);
  if (conversation === undefined) throw conversationNotFound(id);
  return conversation;
}

/** @throws {ApiError} 400 for what is no item, or only refers to one. */
function itemsOf(items: readonly ResponseItem[] | null | undefined): ResponseItem[] {
  const given = keptItems(inputItems(items === null ? undefined : items && [...items]));
  const reference = given.findIndex(({ type }) => type === "item_reference");
  if (reference < 0) return given;
  throw new ApiError({
    status: 400,
    code: "invalid_value",
    param: `items[${reference}]`,
    message: "A conversation holds items, and none that only refers to another; send the item itself.",
  });
}

/** Clients may send no body at all where every field may be left out. */
async function body({ request, settings }: Exchange): Promise<unknown> {
  if (request.headers.get("content-length") === "0" || request.body === null) return {};
  return (await readJson(request, settings)).value;
}

function listQuery({ query }: Exchange): z.infer<typeof listQuerySchema> {
  const raw: Record<string, unknown> = { limit: Number(query("limit") ?? 20) };
  for (const name of ["order", "after"]) {
    const value = query(name);
    if (value !== undefined) raw[name] = value;
  }
  return validate(listQuerySchema, raw);
}

function view({ id, createdAt, metadata }: Conversation) {
  return { id, object: "conversation", created_at: Math.floor(createdAt / 1000), metadata };
}

function listOf(data: readonly ResponseItem[], hasMore: boolean) {
  return {
    object: "list",
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: hasMore,
  };
}

function noSuchItem(id: string, param?: string): ApiError {
  return new ApiError({
    status: param === undefined ? 404 : 400,
    code: param === undefined ? "item_not_found" : "invalid_value",
    param,
    message: `The conversation has no item '${id.slice(0, 128)}'.`,
  });
}
