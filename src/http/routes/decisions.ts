import { z } from "zod";
import { ApiError } from "../../lib/api-error.ts";
import { decisionSchema } from "../../schema/decision.ts";
import { jsonResponse } from "../json-response.ts";
import type { Route } from "../route.ts";
import { validate } from "../validate.ts";

const querySchema = z.strictObject({
  limit: z.number().int().min(1).max(1000).describe("Most records to give, newest first; 100 when absent."),
  before: z.string().optional().describe("Only records older than the one with this id; for the next page."),
  model: z.string().optional().describe("Only requests that asked for this name."),
  target: z.string().optional().describe("Only requests that this `provider/model` served."),
  outcome: z.enum(["ok", "error", "cancelled", "truncated"]).optional(),
  principal: z.string().optional().describe("Only requests of this caller."),
});

export const listDecisionsRoute: Route = {
  method: "GET",
  path: "/admin/v1/decisions",
  permission: "decisions.read",
  tag: "Administration",
  summary: "Decision records, newest first.",
  querySchema,
  responseSchema: z.object({
    object: z.literal("list"),
    data: z.array(decisionSchema),
    has_more: z.boolean(),
  }),
  handle({ services, query, requestId, principal }) {
    const raw: Record<string, unknown> = { limit: Number(query("limit") ?? 100) };
    for (const name of ["before", "model", "target", "outcome", "principal"]) {
      const value = query(name);
      if (value !== undefined) raw[name] = value;
    }
    const parsed = validate(querySchema, raw);
    const data = services.decisions.list({ ...parsed, team: principal.team, limit: parsed.limit + 1 });
    const page = data.slice(0, parsed.limit);
    return jsonResponse({ object: "list", data: page, has_more: data.length > page.length }, requestId);
  },
};

export const getDecisionRoute: Route = {
  method: "GET",
  path: "/admin/v1/decisions/:id",
  permission: "decisions.read",
  tag: "Administration",
  summary: "One decision record, as named by the response header x-intellirouter-decision.",
  responseSchema: decisionSchema,
  handle({ services, parameter, requestId, principal }) {
    const decision = services.decisions.get(parameter("id"));
    const isInReach = principal.team === undefined || decision?.team === principal.team;
    if (decision !== undefined && isInReach) return jsonResponse(decision, requestId);
    throw new ApiError({
      status: 404,
      code: "decision_not_found",
      message:
        "There is no such decision record. It may have been removed by the log's limits ([decisions]).",
    });
  },
};
