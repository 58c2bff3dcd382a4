import { z } from "zod";
import { viewKey, viewKeys } from "../../auth/accounts/account-views.ts";
import { longestGraceMs, type NewKey } from "../../auth/accounts/account-manager.ts";
import { ApiError } from "../../lib/api-error.ts";
import {
  keyChangesSchema,
  keyFieldsSchema,
  type KeyView,
  keyViewSchema,
  newKeySchema,
} from "../../schema/account.ts";
import type { Exchange } from "../exchange.ts";
import { jsonResponse } from "../json-response.ts";
import { pageOf, pageQuerySchema, readPage } from "../page.ts";
import { readFields } from "../read-fields.ts";
import type { Route } from "../route.ts";

const rotationSchema = z.strictObject({
  grace_seconds: z.number().int().min(0).max(longestGraceMs / 1000).default(0).describe(
    "Seconds for which the old secret stays good beside the new one; at most 90 days.",
  ),
});

const tag = "Administration";

/** `/admin/v1/keys` */
export const keyRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/admin/v1/keys",
    permission: "keys.read",
    tag,
    summary: "Keys, without their secrets.",
    querySchema: pageQuerySchema.extend({
      team: z.string().optional().describe("Only keys of this team."),
      status: z.string().optional().describe("Only keys of this status."),
    }),
    responseSchema: z.object({
      object: z.literal("list"),
      data: z.array(keyViewSchema),
      has_more: z.boolean(),
    }),
    handle({ services, principal, query, requestId }) {
      const [team, status] = [query("team"), query("status")];
      const all = viewKeys(services.accounts.book, principal, services.gateway.clock.now())
        .filter((key) =>
          (team === undefined || key.team === team) && (status === undefined || key.status === status)
        );
      return jsonResponse(pageOf(all, readPage(query)), requestId);
    },
  },
  {
    method: "POST",
    path: "/admin/v1/keys",
    permission: "keys.write",
    tag,
    summary: "Makes a key. The answer is the only place where it is ever shown.",
    requestSchema: keyFieldsSchema,
    responseSchema: newKeySchema,
    async handle(exchange) {
      const fields = await readFields(exchange, keyFieldsSchema);
      return shown(exchange, await exchange.services.accounts.manager.createKey(fields, exchange.principal));
    },
  },
  {
    method: "GET",
    path: "/admin/v1/keys/:id",
    permission: "keys.read",
    tag,
    summary: "One key, without its secret.",
    responseSchema: keyViewSchema,
    handle(exchange) {
      return jsonResponse(find(exchange, exchange.parameter("id")), exchange.requestId);
    },
  },
  {
    method: "PATCH",
    path: "/admin/v1/keys/:id",
    permission: "keys.write",
    tag,
    summary: "Changes the given fields of a key; null takes one away.",
    requestSchema: keyChangesSchema,
    responseSchema: keyViewSchema,
    async handle(exchange) {
      const { services, principal, parameter } = exchange;
      const changes = await readFields(exchange, keyChangesSchema);
      return viewed(exchange, await services.accounts.manager.updateKey(parameter("id"), changes, principal));
    },
  },
  {
    method: "POST",
    path: "/admin/v1/keys/:id/rotate",
    permission: "keys.write",
    tag,
    summary: "Gives a key a new secret, which is shown this once.",
    requestSchema: rotationSchema,
    responseSchema: newKeySchema,
    async handle(exchange) {
      const { services, principal, parameter } = exchange;
      const { grace_seconds: grace } = await readFields(exchange, rotationSchema);
      return shown(
        exchange,
        await services.accounts.manager.rotateKey(parameter("id"), grace * 1000, principal),
      );
    },
  },
  {
    method: "DELETE",
    path: "/admin/v1/keys/:id",
    permission: "keys.write",
    tag,
    summary: "Revokes a key for good.",
    responseSchema: keyViewSchema,
    async handle(exchange) {
      const { services, principal, parameter } = exchange;
      return viewed(exchange, await services.accounts.manager.revokeKey(parameter("id"), principal));
    },
  },
];

function viewed(exchange: Exchange, record: Parameters<typeof viewKey>[0]): Response {
  return jsonResponse(viewKey(record, exchange.services.gateway.clock.now()), exchange.requestId);
}

function shown({ services, requestId }: Exchange, { record, key }: NewKey): Response {
  return jsonResponse({ ...viewKey(record, services.gateway.clock.now()), key }, requestId);
}

/** @throws {ApiError} 404, also for keys that are out of the caller's reach. */
function find({ services, principal }: Exchange, id: string): KeyView {
  const found = viewKeys(services.accounts.book, principal, services.gateway.clock.now())
    .find((key) => key.id === id);
  if (found !== undefined) return found;
  throw new ApiError({
    status: 404,
    code: "key_not_found",
    message: `There is no key "${id.slice(0, 64)}".`,
  });
}
