import { z } from "zod";
import { ApiError } from "../../lib/api-error.ts";
import { chainRunSchema } from "../../schema/chain.ts";
import { jsonResponse } from "../json-response.ts";
import type { Route } from "../route.ts";
import { validate } from "../validate.ts";

const querySchema = z.strictObject({
  limit: z.number().int().min(1).max(1000).describe("Most runs to give, newest first; 100 when absent."),
  before: z.string().optional().describe("Only runs older than the one with this id; for the next page."),
  chain: z.string().optional().describe("Only runs of this chain."),
});

export const listChainsRoute: Route = {
  method: "GET",
  path: "/v1/chains",
  permission: "inference",
  tag: "Chains",
  summary: "The chains that the caller may ask for, as the models chain/NAME.",
  responseSchema: z.object({
    object: z.literal("list"),
    data: z.array(z.object({
      id: z.string(),
      object: z.literal("chain"),
      name: z.string(),
      description: z.string().nullable(),
      steps: z.array(z.string()).describe("The names of the steps at the top; none of a chain that is code."),
    })),
  }),
  handle({ services, requestId, principal }) {
    const data = [...services.chains().values()]
      .map(({ name, description, steps }) => ({
        id: `chain/${name}`,
        object: "chain",
        name,
        description: description ?? null,
        steps,
      }))
      .filter(({ id }) => principal.mayAsk(id) && principal.mayUse(id));
    return jsonResponse({ object: "list", data }, requestId);
  },
};

export const listChainRunsRoute: Route = {
  method: "GET",
  path: "/v1/chain_runs",
  permission: "inference",
  tag: "Chains",
  summary: "Runs of the caller's tenant, newest first, without their steps.",
  querySchema,
  responseSchema: z.object({
    object: z.literal("list"),
    data: z.array(chainRunSchema),
    has_more: z.boolean(),
  }),
  handle({ services, query, requestId, principal }) {
    const raw: Record<string, unknown> = { limit: Number(query("limit") ?? 100) };
    for (const name of ["before", "chain"]) {
      const value = query(name);
      if (value !== undefined) raw[name] = value;
    }
    const { limit, before, chain } = validate(querySchema, raw);
    const data = services.chainRuns.list({ tenant: principal.tenant, before, chain, limit: limit + 1 });
    return jsonResponse(
      { object: "list", data: data.slice(0, limit), has_more: data.length > limit },
      requestId,
    );
  },
};

export const getChainRunRoute: Route = {
  method: "GET",
  path: "/v1/chain_runs/:id",
  permission: "inference",
  tag: "Chains",
  summary: "One run with all of its steps: what each was given, gave, used and cost.",
  responseSchema: chainRunSchema,
  handle({ services, parameter, requestId, principal }) {
    const run = services.chainRuns.view(parameter("id"), principal.tenant);
    if (run !== undefined) return jsonResponse(run, requestId);
    throw new ApiError({ status: 404, code: "run_not_found", message: "There is no such run of a chain." });
  },
};
