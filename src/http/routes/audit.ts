import { z } from "zod";
import { auditEntrySchema } from "../../schema/telemetry-event.ts";
import { jsonResponse } from "../json-response.ts";
import type { Route } from "../route.ts";
import { validate } from "../validate.ts";

const querySchema = z.strictObject({
  limit: z.number().int().min(1).max(1000).describe("Most entries to give, newest first; 100 when absent."),
  before: z.number().int().min(1).optional().describe(
    "Only entries before this sequence; for the next page.",
  ),
  actor: z.string().optional().describe("Only acts of this key."),
  action: z.string().optional().describe("Only acts of this kind, such as `key.create`."),
});

/** `GET /admin/v1/audit` */
export const auditRoute: Route = {
  method: "GET",
  path: "/admin/v1/audit",
  permission: "audit.read",
  isForAll: true,
  tag: "Administration",
  summary: "The audit log, newest first.",
  querySchema,
  responseSchema: z.object({
    object: z.literal("list"),
    data: z.array(auditEntrySchema),
    has_more: z.boolean(),
  }),
  handle({ services, query, requestId }) {
    const raw: Record<string, unknown> = { limit: Number(query("limit") ?? 100) };
    const before = query("before");
    if (before !== undefined) raw.before = Number(before);
    for (const name of ["actor", "action"]) {
      const value = query(name);
      if (value !== undefined) raw[name] = value;
    }
    const parsed = validate(querySchema, raw);
    const data = services.auditLog.list({ ...parsed, limit: parsed.limit + 1 });
    const page = data.slice(0, parsed.limit);
    return jsonResponse({ object: "list", data: page, has_more: data.length > page.length }, requestId);
  },
};
