import { z } from "zod";
import { limitStandSchema } from "../../schema/account.ts";
import { jsonResponse } from "../json-response.ts";
import type { Route } from "../route.ts";

/** `GET /v1/key`: what a caller may know of its own key. */
export const ownKeyRoute: Route = {
  method: "GET",
  path: "/v1/key",
  permission: "any",
  tag: "Inference",
  summary: "The caller's own rights, and how its limits and budgets stand.",
  responseSchema: z.object({
    object: z.literal("key"),
    id: z.string(),
    roles: z.array(z.string()),
    permissions: z.array(z.string()),
    team: z.string().nullable(),
    organisation: z.string().nullable(),
    models: z.array(z.string()),
    routes: z.array(z.string()),
    endpoints: z.array(z.string()),
    limits: z.array(limitStandSchema),
  }),
  handle({ principal, services, requestId }) {
    const { id, roles, permissions, team, organisation, grants } = principal;
    return jsonResponse({
      object: "key",
      id,
      roles,
      permissions: [...permissions],
      team: team ?? null,
      organisation: organisation ?? null,
      models: grants.models,
      routes: grants.routes,
      endpoints: grants.endpoints,
      limits: services.limiter.standing(principal),
    }, requestId);
  },
};
