import { z } from "zod";
import { viewGroups } from "../../auth/accounts/account-views.ts";
import { ApiError } from "../../lib/api-error.ts";
import {
  organisationFieldsSchema,
  organisationViewSchema,
  teamFieldsSchema,
  teamViewSchema,
} from "../../schema/account.ts";
import type { Exchange } from "../exchange.ts";
import { jsonResponse } from "../json-response.ts";
import { pageOf, pageQuerySchema, readPage } from "../page.ts";
import { readFields } from "../read-fields.ts";
import type { Route } from "../route.ts";
import { accountIdSchema, validate } from "../validate.ts";

const kinds = {
  team: { path: "/admin/v1/teams", fields: teamFieldsSchema, view: teamViewSchema },
  organisation: {
    path: "/admin/v1/organisations",
    fields: organisationFieldsSchema,
    view: organisationViewSchema,
  },
} as const;

/** `/admin/v1/teams` and `/admin/v1/organisations` */
export const groupRoutes: readonly Route[] = (["team", "organisation"] as const).flatMap((kind): Route[] => {
  const { path, fields, view } = kinds[kind];
  const tag = "Administration";
  return [
    {
      method: "GET",
      path,
      permission: "teams.read",
      tag,
      summary: `Every ${kind}.`,
      querySchema: pageQuerySchema,
      responseSchema: z.object({ object: z.literal("list"), data: z.array(view), has_more: z.boolean() }),
      handle: (exchange) =>
        jsonResponse(pageOf(inReach(exchange, kind), readPage(exchange.query)), exchange.requestId),
    },
    {
      method: "GET",
      path: `${path}/:id`,
      permission: "teams.read",
      tag,
      summary: `One ${kind}.`,
      responseSchema: view,
      handle: (exchange) => jsonResponse(find(exchange, kind), exchange.requestId),
    },
    {
      method: "PUT",
      path: `${path}/:id`,
      permission: "teams.write",
      tag,
      summary: `Makes the ${kind}, or gives the one that is there these fields.`,
      requestSchema: fields,
      responseSchema: view,
      async handle(exchange) {
        const { services, principal, parameter, requestId } = exchange;
        const id = validate(accountIdSchema, { id: parameter("id") }).id;
        await services.accounts.manager.saveGroup(kind, id, await readFields(exchange, fields), principal);
        return jsonResponse(find(exchange, kind), requestId);
      },
    },
    {
      method: "DELETE",
      path: `${path}/:id`,
      permission: "teams.write",
      tag,
      summary: `Ends the ${kind}; its keys are refused from then on.`,
      responseSchema: z.object({
        object: z.literal(`${kind}.deleted`),
        id: z.string(),
        deleted: z.literal(true),
      }),
      async handle({ services, principal, parameter, requestId }) {
        const id = parameter("id");
        await services.accounts.manager.deleteGroup(kind, id, principal);
        return jsonResponse({ object: `${kind}.deleted`, id, deleted: true }, requestId);
      },
    },
  ];
});

/** Whoever belongs to a team sees that, and the organisation that it belongs to. */
function inReach({ services, principal }: Exchange, kind: "team" | "organisation") {
  const own = kind === "team" ? principal.team : principal.organisation;
  return viewGroups(services.accounts.book, kind).filter(({ id }) =>
    principal.team === undefined || id === own
  );
}

function find(exchange: Exchange, kind: "team" | "organisation"): Record<string, unknown> {
  const id = exchange.parameter("id");
  const found = inReach(exchange, kind).find((group) => group.id === id);
  if (found !== undefined) return found;
  throw new ApiError({
    status: 404,
    code: `${kind}_not_found`,
    message: `There is no ${kind} "${id.slice(0, 64)}".`,
  });
}
