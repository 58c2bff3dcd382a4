import { timingSafeEqual } from "node:crypto";
import { ApiError } from "../lib/api-error.ts";
import { hashApiKey, isPlausibleApiKey } from "./api-key.ts";
import { type Principal, type Role, targetMatcher } from "./principal.ts";

/** A key as it is known to the gateway: by its hash only. */
export interface KnownKey {
  readonly id: string;
  /** SHA-256, 32 bytes. */
  readonly hash: Uint8Array;
  readonly roles: readonly Role[];
  /** Its id when absent: what one key keeps is no other's business. */
  readonly tenant?: string | undefined;
  /** Patterns of `provider/model`. */
  readonly models: readonly string[];
}

/** Turns the credential of a request into a principal. */
export interface AccessControl {
  /** Whether a request without a key is refused. */
  readonly keyRequired: boolean;
  /** @throws {ApiError} 401 when a key is needed and none, or a wrong one, was given. */
  authenticate(headers: Headers): Principal;
}

/** Where clients put a key, and which: OpenAI, Azure, Anthropic, Google. */
const keyHeaders = ["api-key", "x-api-key", "x-goog-api-key"] as const;

/**
 * Access without keys. The caller is the machine's own user, who could read the key file anyway; but a web page that this user
 * looks at is not. Browsers say where a request comes from, and a page that has bound its name to this machine's address shows in
 * the Host header (DNS rebinding).
 *
 * @param hosts host names beside those of loopback that requests may carry.
 * @param origins origins of pages that may call; `*` allows every one.
 */
export function openAccess(hosts: ReadonlySet<string>, origins: ReadonlySet<string>): AccessControl {
  const local: Principal = {
    id: "anonymous",
    roles: ["admin", "developer"],
    tenant: "default",
    mayUse: () => true,
  };
  return {
    keyRequired: false,
    authenticate(headers) {
      const origin = headers.get("origin");
      if (origin !== null && !origins.has("*") && !origins.has(origin) && !isOwnPage(origin, headers)) {
        throw forbidden("Web pages may not call this gateway unless cors.origins names them.");
      }
      const host = (headers.get("host") ?? "").replace(/:\d+$/, "").toLowerCase();
      if (!isLoopbackName(host) && !hosts.has(host) && !hosts.has("*")) {
        throw forbidden(
          `Without keys the gateway serves its own machine only, not the host "${host}". Name it in server.allowed_hosts, or make a key.`,
        );
      }
      return local;
    },
  };
}

/** A page that the gateway itself has served. */
function isOwnPage(origin: string, headers: Headers): boolean {
  return origin === `http://${headers.get("host")}`;
}

export function isLoopbackName(address: string): boolean {
  const host = address.replace(/^\[|\]$/g, "");
  return host === "localhost" || host.endsWith(".localhost") || host === "::1" ||
    /^127(\.\d{1,3}){3}$/.test(host);
}

function forbidden(message: string): ApiError {
  return new ApiError({ status: 403, code: "origin_not_allowed", message });
}

/** Access by a fixed set of keys. */
export function keyedAccess(keys: readonly KnownKey[]): AccessControl {
  const known = keys.map((key) => ({ hash: key.hash, principal: principalOf(key) }));
  return {
    keyRequired: true,
    authenticate(headers) {
      const keys = presentedKeys(headers);
      if (keys.length === 0) {
        throw unauthorized('You didn\'t provide an API key. Send it as "Authorization: Bearer YOUR_KEY".');
      }
      // A client may send a stale credential of one kind beside a good one of another.
      for (const key of keys) {
        const principal = isPlausibleApiKey(key) ? findByHash(known, hashApiKey(key)) : undefined;
        if (principal !== undefined) return principal;
      }
      throw unauthorized("Incorrect API key provided.");
    },
  };
}

/** Looks at every key whatever it finds, so that the time tells nothing about which one matched. */
function findByHash(
  known: readonly { readonly hash: Uint8Array; readonly principal: Principal }[],
  hash: Uint8Array,
): Principal | undefined {
  let found: Principal | undefined;
  for (const candidate of known) {
    if (timingSafeEqual(candidate.hash, hash)) found = candidate.principal;
  }
  return found;
}

function principalOf(key: KnownKey): Principal {
  return { id: key.id, roles: key.roles, tenant: key.tenant ?? key.id, mayUse: targetMatcher(key.models) };
}

function presentedKeys(headers: Headers): string[] {
  const keys: string[] = [];
  const authorization = headers.get("authorization");
  if (authorization !== null) {
    const space = authorization.indexOf(" ");
    const isBearer = space > 0 && authorization.slice(0, space).toLowerCase() === "bearer";
    if (isBearer) keys.push(authorization.slice(space + 1).trim());
    else if (!keyHeaders.some((name) => headers.has(name))) {
      throw unauthorized('The Authorization header must have the form "Bearer YOUR_KEY".');
    }
  }
  for (const name of keyHeaders) keys.push(headers.get(name) ?? "");
  return keys.filter((key) => key !== "");
}

function unauthorized(message: string): ApiError {
  return new ApiError({
    status: 401,
    type: "invalid_request_error",
    code: "invalid_api_key",
    message,
    headers: { "www-authenticate": 'Bearer realm="intellirouter"' },
  });
}
