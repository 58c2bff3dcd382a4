import { z } from "zod";
import { ApiError } from "../../lib/api-error.ts";
import { memoryUnavailable } from "../../gateway/memory/memory-request.ts";
import type { Forgettable, MemoryAdministration, Page } from "../../memory/memory-administration.ts";
import { factSchema, keptConversationSchema } from "../../schema/memory.ts";
import type { Exchange } from "../exchange.ts";
import { jsonResponse } from "../json-response.ts";
import { readPage } from "../page.ts";
import type { Route } from "../route.ts";

const tenant = z.string().optional().describe("Whose memory; the caller's own tenant when absent.");
const tenantQuerySchema = z.strictObject({ tenant });
const userQuerySchema = tenantQuerySchema.extend({
  user: z.string().optional().describe("Only what is this user's."),
});
const listQuerySchema = userQuerySchema.extend({
  limit: z.number().int().min(1).max(1000).optional().describe("Most entries to give; 100 when absent."),
  after: z.string().optional().describe("Only entries after the one with this id; for the next page."),
});

const forgottenSchema = z.object({
  object: z.literal("memory.forgotten"),
  conversations: z.number().int(),
  facts: z.number().int(),
});

const about = { isForAll: true, tag: "Administration" } as const;
const listSchema = (entry: z.ZodType) =>
  z.object({ object: z.literal("list"), data: z.array(entry), has_more: z.boolean() });

/** `/admin/v1/memory`: what is remembered, to be read, taken out and forgotten. */
export const memoryRoutes: readonly Route[] = [
  {
    ...about,
    method: "GET",
    path: "/admin/v1/memory/tenants",
    permission: "memory.read",
    summary: "Of whom something is remembered.",
    responseSchema: listSchema(z.string()),
    handle: (exchange) =>
      withMemory(exchange, async (memory) => ({
        object: "list",
        data: await memory.tenants(),
        has_more: false,
      })),
  },
  {
    ...about,
    method: "GET",
    path: "/admin/v1/memory/conversations",
    permission: "memory.read",
    summary: "The conversations of a tenant.",
    querySchema: listQuerySchema,
    responseSchema: listSchema(keptConversationSchema),
    handle: (exchange) =>
      withMemory(
        exchange,
        async (memory) => pageOf(await memory.listConversations(tenantOf(exchange), listOptions(exchange))),
      ),
  },
  {
    ...about,
    method: "GET",
    path: "/admin/v1/memory/conversations/:id",
    permission: "memory.read",
    summary: "One conversation, with its summary.",
    querySchema: tenantQuerySchema,
    responseSchema: keptConversationSchema,
    handle: (exchange) =>
      withMemory(exchange, async (memory) => {
        const found = await memory.conversation(tenantOf(exchange), exchange.parameter("id"));
        if (found === undefined) throw nothingThere("conversation", exchange.parameter("id"));
        return found;
      }),
  },
  forgetRoute(
    "/admin/v1/memory/conversations/:id",
    "a conversation, and what was learnt in it",
    ({ parameter }) => ({
      conversation: parameter("id"),
    }),
  ),
  {
    ...about,
    method: "GET",
    path: "/admin/v1/memory/facts",
    permission: "memory.read",
    summary: "What has been learnt: facts and summaries.",
    querySchema: listQuerySchema,
    responseSchema: listSchema(factSchema),
    handle: (exchange) =>
      withMemory(
        exchange,
        async (memory) => pageOf(await memory.listFacts(tenantOf(exchange), listOptions(exchange))),
      ),
  },
  forgetRoute("/admin/v1/memory/facts/:id", "one fact", ({ parameter }) => ({ fact: parameter("id") })),
  forgetRoute(
    "/admin/v1/memory/users/:id",
    "everything of a user",
    ({ parameter }) => ({ user: parameter("id") }),
  ),
  forgetRoute("/admin/v1/memory", "everything of a tenant, which must be named", ({ query }) => {
    if (query("tenant") !== undefined) return "everything";
    throw new ApiError({
      status: 400,
      code: "missing_required_parameter",
      param: "tenant",
      message: "Missing required parameter: 'tenant'. Everything of it would be forgotten.",
    });
  }),
  {
    ...about,
    method: "GET",
    path: "/admin/v1/memory/export",
    permission: "memory.read",
    summary: "Everything that is kept of a tenant or of one of its users, one JSON object a line.",
    querySchema: userQuerySchema,
    mediaType: "application/jsonl",
    async handle(exchange) {
      const { services, requestId, principal, query } = exchange;
      const { administration } = await opened(services);
      const lines = administration.export(tenantOf(exchange), query("user"), principal.id);
      return new Response(services.streamBody(lines), {
        headers: { "content-type": "application/jsonl", "x-request-id": requestId },
      });
    },
  },
];

function forgetRoute(path: string, what: string, which: (exchange: Exchange) => Forgettable): Route {
  return {
    ...about,
    method: "DELETE",
    path,
    permission: "memory.write",
    summary: `Forgets ${what}.`,
    querySchema: tenantQuerySchema,
    responseSchema: forgottenSchema,
    handle: (exchange) =>
      withMemory(exchange, async (memory) => {
        const forgettable = which(exchange);
        const forgotten = await memory.forget(tenantOf(exchange), forgettable, exchange.principal.id);
        const isNothing = forgotten.conversations + forgotten.facts === 0;
        if (isNothing && forgettable !== "everything" && !("user" in forgettable)) {
          throw nothingThere("memory", exchange.parameter("id"));
        }
        return { object: "memory.forgotten", ...forgotten };
      }),
  };
}

async function withMemory(
  { services, requestId }: Exchange,
  work: (memory: MemoryAdministration) => Promise<unknown>,
): Promise<Response> {
  try {
    const { administration } = await opened(services);
    return jsonResponse(await work(administration), requestId);
  } catch (error) {
    throw error instanceof ApiError ? error : memoryUnavailable(error);
  }
}

async function opened(services: Exchange["services"]) {
  return await services.memory();
}

function tenantOf({ query, principal }: Exchange): string {
  return query("tenant") ?? principal.tenant;
}

function listOptions({ query }: Exchange) {
  const { limit = 100, after } = readPage(query);
  return { limit, after, user: query("user") };
}

function pageOf({ data, hasMore }: Page<unknown>) {
  return { object: "list", data, has_more: hasMore };
}

function nothingThere(what: string, id: string): ApiError {
  return new ApiError({
    status: 404,
    code: `${what}_not_found`,
    message: `There is no ${what} "${id.slice(0, 128)}".`,
  });
}
