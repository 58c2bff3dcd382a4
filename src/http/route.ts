import type { z } from "zod";
import type { Permission } from "../auth/permissions.ts";
import type { Exchange } from "./exchange.ts";

/** Parts of the HTTP surface, each of which may have an address of its own. */
export const surfaces = ["api", "admin", "metrics"] as const;

export type Surface = typeof surfaces[number];

/** One entry of the route table; the router, the permission check and the OpenAPI document all read it. */
export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** In Hono's notation. */
  readonly path: string;
  /** What a caller needs; `any` asks for a key and no more, `open` for nothing and must tell nothing. */
  readonly permission: Permission | "any" | "open";
  /** The part that it belongs to, or `every` where it is served on each address. By the path when absent: below /admin, or the API. */
  readonly surface?: Surface | "every";
  /** It shows or changes what is everybody's: keys that belong to a team have no right to it. */
  readonly isForAll?: boolean;
  readonly summary: string;
  readonly tag: string;
  readonly requestSchema?: z.ZodType;
  readonly responseSchema?: z.ZodType;
  /** Query parameters, each with a description. */
  readonly querySchema?: z.ZodObject;
  /** Of the answer; JSON when absent. */
  readonly mediaType?: string;
  /** The answer may come as server-sent events. */
  readonly streams?: boolean;
  handle(exchange: Exchange): Response | Promise<Response>;
}

export function surfaceOf({ surface, path }: Pick<Route, "surface" | "path">): Surface | "every" {
  return surface ?? (path.startsWith("/admin/") ? "admin" : "api");
}
