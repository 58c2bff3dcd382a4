import { type Context, Hono } from "hono";
import { cors } from "hono/cors";
import type { z } from "zod";
import type { Permission } from "../auth/permissions.ts";
import { everything, type Principal } from "../auth/principal.ts";
import { timedId } from "../lib/timed-id.ts";
import { ApiError } from "../lib/api-error.ts";
import type { Connection, RequestHandler } from "../lib/connection.ts";
import { TargetCheck } from "./check-target.ts";
import { asApiError, dialectOf, errorResponse } from "./error-response.ts";
import type { HttpServices, HttpSettings } from "./http-services.ts";
import { type Route, type Surface, surfaceOf, surfaces } from "./route.ts";
import { routeTable } from "./routes.ts";

interface Arrival {
  readonly connection: Connection;
  readonly requestId: string;
  readonly decisionId: string;
  readonly arrivedAt: number;
}

type GatewayContext = Context<{ Bindings: Arrival }>;

/** Open routes see a caller without any right. */
const nobody: Principal = {
  id: "anonymous",
  roles: [],
  permissions: new Set(),
  tenant: "default",
  team: undefined,
  organisation: undefined,
  mayUse: () => false,
  mayAsk: () => false,
  mayCall: () => false,
  accounts: [],
  grants: everything,
};

/** Client-chosen request ids are taken over when they are harmless to print. */
const requestIdPattern = /^[\w.:-]{1,128}$/;

/** What one address serves. */
export interface Served {
  readonly surfaces: ReadonlySet<Surface>;
  /** Of those, the ones that ask for no key. */
  readonly open: ReadonlySet<Surface>;
}

const everySurface: Served = { surfaces: new Set(surfaces), open: new Set() };

/** The gateway's HTTP surface: one handler for every request, which never throws. */
export function createApp(
  services: HttpServices,
  settings: HttpSettings,
  served: Served = everySurface,
): RequestHandler {
  const app = createRouter(services, settings, served);
  const target = new TargetCheck(settings.allowedHosts);
  const { clock } = services.gateway;
  return async (request, connection) => {
    const arrivedAt = clock.monotonic();
    const id = timedId(clock.now());
    const given = request.headers.get("x-request-id");
    const requestId = given !== null && requestIdPattern.test(given) ? given : `req_${id}`;
    let response: Response;
    try {
      target.check(request);
      response = await app.fetch(request, { connection, requestId, decisionId: `dec_${id}`, arrivedAt });
    } catch (error) {
      response = errorResponse(asApiError(error), requestId, dialectOf(pathOf(request.url)));
    }
    const isRecorded = response.headers.has("x-intellirouter-decision");
    if (response.status >= 400 && !isRecorded) services.onRefused(response.status);
    if (settings.accessLog && !isRecorded) {
      services.logger.info("request", {
        request_id: requestId,
        method: request.method,
        path: pathOf(request.url),
        status: response.status,
        total_ms: Math.round((clock.monotonic() - arrivedAt) * 1000) / 1000,
      });
    }
    return response;
  };
}

function createRouter(
  services: HttpServices,
  settings: HttpSettings,
  served: Served,
): Hono<{ Bindings: Arrival }> {
  const app = new Hono<{ Bindings: Arrival }>();
  if (settings.corsOrigins.length > 0) app.use(crossOrigin(settings));
  const middlewares = settings.corsOrigins.length > 0 ? 1 : 0;
  for (const route of servedRoutes(served)) {
    app.on(route.method, route.path, (context) => run(route, context, services, settings));
  }
  app.notFound((context) => {
    // Asked of the router only here: a second handler on each path would take every request off its fast way.
    const takes = (method: string) => app.router.match(method, context.req.path)[0].length > middlewares;
    const allowed = ["GET", "POST", "PUT", "PATCH", "DELETE"].filter(takes);
    const refusal = allowed.length > 0 ? methodNotAllowed(allowed) : new ApiError({
      status: 404,
      code: "unknown_url",
      message: `Unknown request URL: ${context.req.method} ${
        pathOf(context.req.url)
      }. See /openapi.json for what there is.`,
    });
    // Returned, not thrown: what is thrown here gets no CORS headers, and a browser then shows nothing of it.
    return errorResponse(refusal, context.env.requestId, dialectOf(context.req.path));
  });
  app.onError((error, context) => {
    const apiError = asApiError(error);
    if (apiError.status === 500) {
      services.logger.error("a request failed inside the gateway", {
        request_id: context.env.requestId,
        error: error.stack ?? error.message,
      });
    }
    return errorResponse(apiError, context.env.requestId, dialectOf(context.req.path));
  });
  return app;
}

/** The routes of an address; those that ask for no key there are as good as open. */
function servedRoutes({ surfaces, open }: Served): readonly Route[] {
  return routeTable().flatMap((route) => {
    const surface = surfaceOf(route);
    if (surface === "every") return [route];
    if (!surfaces.has(surface)) return [];
    return [open.has(surface) ? { ...route, permission: "open" as const } : route];
  });
}

function run(
  route: Route,
  context: GatewayContext,
  services: HttpServices,
  settings: HttpSettings,
): Response | Promise<Response> {
  const request = context.req.raw;
  // Clients of the vendors' protocols may send what we do not know yet.
  if (route.querySchema !== undefined && route.path.startsWith("/admin/")) {
    checkQuery(route.querySchema, request.url);
  }
  const answer = (principal: Principal) =>
    route.handle({
      ...context.env,
      request,
      services,
      settings,
      principal,
      parameter: (name) => context.req.param(name) ?? "",
      query: (name) => context.req.query(name),
    });
  if (route.permission === "open") return answer(nobody);
  const { connection } = context.env;
  const principal = services.access().authenticate({
    headers: request.headers,
    get address() {
      return settings.clientAddress(connection.remoteAddress, request.headers);
    },
  });
  if (!(principal instanceof Promise)) {
    checkPermission(route, principal, context.req.path);
    return answer(principal);
  }
  return principal.then((found) => {
    checkPermission(route, found, context.req.path);
    return answer(found);
  });
}

/** @throws {ApiError} 400: a parameter with a typing error would show more than was asked for. */
function checkQuery({ shape }: z.ZodObject, url: string): void {
  const start = url.indexOf("?");
  if (start < 0) return;
  for (const name of new URLSearchParams(url.slice(start)).keys()) {
    if (Object.hasOwn(shape, name)) continue;
    throw new ApiError({
      status: 400,
      code: "unknown_parameter",
      param: name.slice(0, 64),
      message: `There is no query parameter "${name.slice(0, 64)}". Parameters: ${
        Object.keys(shape).join(", ")
      }.`,
    });
  }
}

/** @throws {ApiError} 403 */
function checkPermission({ permission, isForAll }: Route, principal: Principal, path: string): void {
  const may = permission === "any" || principal.permissions.has(permission as Permission);
  if (!may) throw denied(`This key has no right to ${permission}.`);
  if (permission === "any") return;
  if (isForAll === true && principal.team !== undefined) {
    throw denied("This concerns more than your team.");
  }
  if (!principal.mayCall(path)) throw denied(`This key may not call ${path}.`);
}

function denied(message: string): ApiError {
  return new ApiError({ status: 403, code: "permission_denied", message });
}

/**
 * Browsers ask first. `Access-Control-Allow-Headers: *` would not cover Authorization, so the asked-for headers are
 * named back one by one.
 */
function crossOrigin(settings: HttpSettings) {
  return cors({
    origin: settings.corsOrigins.includes("*") ? "*" : [...settings.corsOrigins],
    allowMethods: ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
    exposeHeaders: [
      "x-request-id",
      "x-intellirouter-decision",
      "x-intellirouter-target",
      "retry-after",
      "retry-after-ms",
      "x-should-retry",
    ],
    maxAge: settings.corsMaxAgeSeconds,
  });
}

function methodNotAllowed(allowed: readonly string[]): ApiError {
  const allow = allowed.includes("GET") ? [...allowed, "HEAD"].join(", ") : allowed.join(", ");
  return new ApiError({
    status: 405,
    code: "method_not_allowed",
    message: `This URL takes ${allow}.`,
    headers: { allow },
  });
}

/** With a malformed Host the runtime's URL begins with the path. */
function pathOf(url: string): string {
  const start = url.startsWith("/") ? 0 : url.indexOf("/", 8);
  const end = url.search(/[?#]/);
  return start < 0 ? "/" : url.slice(start, end < 0 ? undefined : end).slice(0, 256);
}
