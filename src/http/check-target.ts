import { ApiError } from "../lib/api-error.ts";

const hostPattern = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;

/**
 * Refuses a request whose Host header or target is not plain, before any routing.
 *
 * With a malformed Host the runtime's `request.url` is relative and a path then loses its first segment in the router, so that
 * an ACL of a proxy in front could be walked around. Two Host headers arrive joined by a comma and fail the same check.
 *
 * @param allowedHosts lower-case names without port; empty allows all.
 * @throws {ApiError} 400
 */
export function checkTarget(request: Request, allowedHosts: ReadonlySet<string>): void {
  const host = request.headers.get("host");
  if (host === null || !hostPattern.test(host) || !/^https?:\/\/[^/]/.test(request.url)) {
    throw badHost("The Host header is missing or malformed. Send exactly one, as name or name:port.");
  }
  // A request line with a whole URL replaces the Host header's name in request.url.
  const authority = request.url.slice(request.url.indexOf("//") + 2, request.url.indexOf("/", 8));
  if (authority.toLowerCase() !== host.toLowerCase() && !isDefaultPortVariant(authority, host)) {
    throw badHost("The request line names another host than the Host header.");
  }
  if (allowedHosts.size > 0 && !allowedHosts.has(host.replace(/:\d+$/, "").toLowerCase())) {
    throw badHost("The Host header names a host that this gateway does not serve (server.allowed_hosts).");
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
