import { ApiError } from "../lib/api-error.ts";

const hostPattern = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;

/** Hosts that were found good are remembered up to this many; clients choose the names. */
const mostRemembered = 100;

/**
 * Refuses a request whose Host header or target is not plain, before any routing.
 *
 * With a malformed Host the runtime's `request.url` is relative and a path then loses its first segment in the router, so that
 * an ACL of a proxy in front could be walked around. Two Host headers arrive joined by a comma and fail the same check.
 */
export class TargetCheck {
  readonly #allowedHosts: ReadonlySet<string>;
  /** A good Host header → the beginning that the URL of its requests has. */
  readonly #known = new Map<string, string>();

  /** @param allowedHosts lower-case names without port; empty allows all. */
  constructor(allowedHosts: ReadonlySet<string>) {
    this.#allowedHosts = allowedHosts;
  }

  /** @throws {ApiError} 400 */
  check(request: Request): void {
    const host = request.headers.get("host");
    const expected = host === null ? undefined : this.#known.get(host);
    if (expected !== undefined && request.url.startsWith(expected)) return;
    this.#examine(host, request.url);
    if (this.#known.size < mostRemembered) {
      this.#known.set(host!, request.url.slice(0, request.url.indexOf("/", 8) + 1));
    }
  }

  #examine(host: string | null, url: string): void {
    if (host === null || !hostPattern.test(host) || !/^https?:\/\/[^/]/.test(url)) {
      throw badHost("The Host header is missing or malformed. Send exactly one, as name or name:port.");
    }
    // A request line may hold a whole URL. On Deno its name replaces the Host header's in request.url; Bun drops it and goes by
    // the Host header.
    const authority = url.slice(url.indexOf("//") + 2, url.indexOf("/", 8));
    if (authority.toLowerCase() !== host.toLowerCase() && !isDefaultPortVariant(authority, host)) {
      throw badHost("The request line names another host than the Host header.");
    }
    if (this.#allowedHosts.size > 0 && !this.#allowedHosts.has(host.replace(/:\d+$/, "").toLowerCase())) {
      throw badHost("The Host header names a host that this gateway does not serve (server.allowed_hosts).");
    }
  }
}

/** URLs leave out `:80`, which a Host header may spell, and write some addresses in a shorter form. */
function isDefaultPortVariant(authority: string, host: string): boolean {
  try {
    return new URL(`http://${host}`).host === authority;
  } catch {
    return false;
  }
}

function badHost(message: string): ApiError {
  return new ApiError({ status: 400, code: "invalid_host", message });
}
