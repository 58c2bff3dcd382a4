import { ApiError } from "../lib/api-error.ts";
import type { AccountBook, FoundKey } from "./accounts/account-book.ts";
import { idOfApiKey, isPlausibleApiKey } from "./api-key.ts";
import type { BearerTokens } from "./bearer-tokens.ts";
import { builtInRoles } from "./permissions.ts";
import { everything, type Principal } from "./principal.ts";
import { unauthorized } from "./unauthorized.ts";

/** What a request says of who sent it. */
export interface Caller {
  readonly headers: Headers;
  /** Where it comes from, as far as that can be trusted; undefined on a Unix socket. */
  readonly address: string | undefined;
}

/** Turns the credential of a request into a principal. */
export interface AccessControl {
  /** Whether a request without a key is refused. */
  readonly keyRequired: boolean;
  /** Whoever calls without a key, by the id that its requests are recorded under; absent where a key is needed. */
  withoutKey?(id: string): Principal | undefined;
  /**
   * Answers at once but for the first use of a token, whose issuer's keys may have to be fetched.
   *
   * @throws {ApiError} 401 when a key is needed and none, or a wrong one, was given; 403 for a good one from a wrong address.
   */
  authenticate(caller: Caller): Principal | Promise<Principal>;
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
    roles: ["admin"],
    permissions: new Set(builtInRoles.admin),
    tenant: "default",
    team: undefined,
    organisation: undefined,
    mayUse: () => true,
    mayAsk: () => true,
    mayCall: () => true,
    accounts: [],
    grants: everything,
  };
  return {
    keyRequired: false,
    withoutKey: (id) => id === local.id ? local : undefined,
    authenticate({ headers }) {
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

/**
 * Access by keys, and by tokens of those who the operator trusts to name callers.
 *
 * @param tokens undefined where no issuer is configured.
 */
export function keyedAccess(
  book: Pick<AccountBook, "find" | "isComplete">,
  tokens?: BearerTokens,
): AccessControl {
  return {
    keyRequired: true,
    authenticate({ headers, address }) {
      const keys = presentedKeys(headers);
      if (keys.length === 0) {
        throw unauthorized('You didn\'t provide an API key. Send it as "Authorization: Bearer YOUR_KEY".');
      }
      let refusal: "revoked" | "disabled" | "expired" | undefined;
      // A client may send a stale credential of one kind beside a good one of another.
      for (const key of keys) {
        const found = book.find(key);
        if (found === undefined) continue;
        if ("principal" in found) return admit(found, address);
        refusal = found.refusal;
      }
      const token = tokens === undefined ? undefined : keys.find((key) => tokens.isToken(key));
      if (token !== undefined) return tokens!.verify(token);
      const couldBeGood = keys.some((key) => isPlausibleApiKey(key) && idOfApiKey(key) !== undefined);
      if (refusal === undefined && couldBeGood && !book.isComplete) throw accountsUnavailable();
      throw unauthorized(
        refusal === undefined ? "Incorrect API key provided." : `This API key is ${refusal}.`,
      );
    },
  };
}

function accountsUnavailable(): ApiError {
  return new ApiError({
    status: 503,
    code: "store_unavailable",
    message:
      "The accounts cannot be read at the moment, so this API key cannot be checked. Try again shortly.",
    retryAfterMs: 1_000,
  });
}

function admit(
  { principal, addresses }: Extract<FoundKey, { principal: Principal }>,
  address: string | undefined,
): Principal {
  if (addresses === undefined || (address !== undefined && addresses.has(address))) return principal;
  throw new ApiError({
    status: 403,
    code: "address_not_allowed",
    message: "This API key may not be used from this address.",
  });
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
