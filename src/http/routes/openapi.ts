import { openApiDocument } from "../openapi-document.ts";
import type { Route } from "../route.ts";

/** The document describes the table it stands in; it is made when first asked for. */
export function openApiRoute(routes: readonly Route[]): Route {
  let text: string | undefined;
  const route: Route = {
    method: "GET",
    path: "/openapi.json",
    permission: "open",
    tag: "Health",
    summary: "This document.",
    handle({ services }) {
      text ??= JSON.stringify(openApiDocument([...routes, route], services.version));
      return new Response(text, { headers: { "content-type": "application/json" } });
    },
  };
  return route;
}
