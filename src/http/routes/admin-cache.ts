import { z } from "zod";
import { jsonResponse } from "../json-response.ts";
import type { Route } from "../route.ts";

/** `DELETE /admin/v1/cache` */
export const clearCacheRoute: Route = {
  method: "DELETE",
  path: "/admin/v1/cache",
  permission: "cache.write",
  isForAll: true,
  tag: "Administration",
  summary: "Forgets every answer that routes have kept, of this gateway or of all that share its Redis.",
  responseSchema: z.object({ object: z.literal("cache.cleared") }),
  async handle({ services, requestId }) {
    await services.gateway.cache.store.clear();
    return jsonResponse({ object: "cache.cleared" }, requestId);
  },
};
