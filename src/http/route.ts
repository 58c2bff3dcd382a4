import type { z } from "zod";
import type { Permission } from "../auth/permissions.ts";
import type { Exchange } from "./exchange.ts";

/** One entry of the route table; the router, the permission check and the OpenAPI document all read it. */
export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** In Hono's notation. */
  readonly path: string;
  /** What a caller needs; `any` asks for a key and no more, `open` for nothing and must tell nothing. */
  readonly permission: Permission | "any" | "open";
  readonly summary: string;
  readonly tag: string;
  readonly requestSchema?: z.ZodType;
  readonly responseSchema?: z.ZodType;
  /** Query parameters, each with a description. */
  readonly querySchema?: z.ZodObject;
  /** The answer may come as server-sent events. */
  readonly streams?: boolean;
  handle(exchange: Exchange): Response | Promise<Response>;
}
