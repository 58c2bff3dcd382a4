import { z } from "zod";
import { ApiError } from "../../lib/api-error.ts";
import { usageGroupSchema, usageRecordSchema, usageSumSchema } from "../../schema/usage.ts";
import { exportUsage } from "../../telemetry/ledger/export-usage.ts";
import type { UsageFilter } from "../../telemetry/ledger/usage-database.ts";
import type { Exchange } from "../exchange.ts";
import { jsonResponse } from "../json-response.ts";
import type { Route } from "../route.ts";
import { validate } from "../validate.ts";

const time = z.union([z.iso.datetime({ offset: true }), z.iso.date()]);

const filterSchema = z.strictObject({
  since: time.optional().describe("Only requests from this time on; ISO 8601."),
  until: time.optional().describe("Only requests before this time; ISO 8601."),
  key: z.string().optional(),
  team: z.string().optional(),
  organisation: z.string().optional(),
  user: z.string().optional(),
  model: z.string().optional().describe("Only requests that asked for this name."),
  target: z.string().optional().describe("Only requests that this `provider/model` served."),
  outcome: z.enum(["ok", "error", "cancelled", "truncated", "lost"]).optional(),
});

const filterNames = Object.keys(filterSchema.shape) as (keyof z.infer<typeof filterSchema>)[];

/** `/admin/v1/usage` */
export const usageRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/admin/v1/usage",
    permission: "usage.read",
    tag: "Administration",
    summary: "What was used and what it cost, summed up.",
    querySchema: filterSchema.extend({
      group_by: z.string().optional().describe(
        `What to sum up by, separated by commas: ${usageGroupSchema.options.join(", ")}.`,
      ),
    }),
    responseSchema: z.object({ object: z.literal("list"), data: z.array(usageSumSchema) }),
    handle(exchange) {
      const groups = (exchange.query("group_by") ?? "").split(",").map((name) => name.trim())
        .filter((name) => name !== "");
      const { group_by: by } = validate(z.object({ group_by: z.array(usageGroupSchema) }), {
        group_by: groups,
      });
      exchange.services.flushUsage();
      const data = exchange.services.usage.sums(filterOf(exchange), by);
      return jsonResponse({ object: "list", data }, exchange.requestId);
    },
  },
  {
    method: "GET",
    path: "/admin/v1/usage/export",
    permission: "usage.read",
    tag: "Administration",
    summary: "Every request's row, as CSV or JSON lines.",
    querySchema: filterSchema.extend({
      format: z.enum(["csv", "jsonl"]).optional().describe("`jsonl` when absent."),
      rows: z.enum(["requests", "attempts"]).optional().describe(
        "A row for each request, or for each call of a backend; `requests` when absent.",
      ),
    }),
    responseSchema: usageRecordSchema,
    handle(exchange) {
      const { format = "jsonl", rows = "requests" } = validate(
        z.object({
          format: z.enum(["csv", "jsonl"]).optional(),
          rows: z.enum(["requests", "attempts"]).optional(),
        }),
        { format: exchange.query("format"), rows: exchange.query("rows") },
      );
      const { services, requestId } = exchange;
      services.flushUsage();
      const lines = exportUsage(services.usage.records(filterOf(exchange)), format, rows);
      return new Response(services.streamBody(pieces(lines)), {
        headers: {
          "content-type": format === "csv" ? "text/csv; charset=utf-8" : "application/jsonl",
          "content-disposition": `attachment; filename="usage.${format}"`,
          "x-request-id": requestId,
        },
      });
    },
  },
];

/** Whoever belongs to a team sees that team's usage. @throws {ApiError} 400 or 403 */
function filterOf({ query, principal }: Exchange): UsageFilter {
  const given = Object.fromEntries(
    filterNames.flatMap((name) => {
      const value = query(name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
  const { since, until, ...equal } = validate(filterSchema, given);
  if (principal.team !== undefined && (equal.team ?? principal.team) !== principal.team) {
    throw new ApiError({
      status: 403,
      code: "permission_denied",
      message: "This key sees the usage of its own team.",
    });
  }
  return {
    ...equal,
    team: equal.team ?? principal.team,
    since: since === undefined ? undefined : Date.parse(since),
    until: until === undefined ? undefined : Date.parse(until),
  };
}

/** Lines a few at a time, so that a long export neither fills the memory nor holds up other requests. */
async function* pieces(lines: Iterable<string>): AsyncGenerator<string, undefined> {
  let piece = "";
  for (const line of lines) {
    piece += line;
    if (piece.length < 64 * 1024) continue;
    yield piece;
    piece = "";
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (piece !== "") yield piece;
}
