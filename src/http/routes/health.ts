import { z } from "zod";
import type { Route } from "../route.ts";

const schema = z.object({ status: z.enum(["ok", "unavailable"]) });

function healthRoute(path: string, summary: string, healthy: (ready: boolean) => boolean): Route {
  return {
    method: "GET",
    path,
    permission: "open",
    surface: "every",
    tag: "Health",
    summary,
    responseSchema: schema,
    handle({ services }) {
      const ok = healthy(services.ready());
      return new Response(JSON.stringify({ status: ok ? "ok" : "unavailable" }), {
        status: ok ? 200 : 503,
        headers: { "content-type": "application/json", "cache-control": "no-store" },
      });
    },
  };
}

/**
 * Open to everybody, so they tell nothing but one word. A draining gateway is alive: only readiness turns, or an
 * orchestrator would kill what is about to finish.
 */
export const healthRoutes: readonly Route[] = [
  healthRoute("/livez", "The process answers.", () => true),
  healthRoute("/healthz", "The process answers; the older name of /livez.", () => true),
  healthRoute(
    "/readyz",
    "New requests are welcome; 503 while draining.",
    (ready) => ready,
  ),
];
