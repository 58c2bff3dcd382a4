import { rawFetch as systemFetch } from "../../runtime/egress-fetch.ts";
import type { RawFetch } from "../../runtime/egress-fetch.ts";
import type { EgressFetch } from "../api/host.ts";
import { UpstreamError } from "../api/upstream-error.ts";

/**
 * The gateway's only way out: every outgoing request of every plugin passes here.
 *
 * - `http:` and `https:` only, and no credentials inside a URL, which would end up in logs;
 * - redirects are never followed: a key must not travel to a host that the operator did not configure;
 * - the runtime's own time limits are off, the caller's signal is the only one;
 * - a connection that fails or breaks before the headers is an `UpstreamError` of kind `unavailable`.
 */
export function createEgress(rawFetch: RawFetch = systemFetch): EgressFetch {
  return async (url, init = {}) => {
    checkUrl(url);
    let response: Response;
    try {
      response = await rawFetch(url, {
        method: init.method ?? "GET",
        headers: init.headers ?? {},
        ...(init.body === undefined ? {} : { body: init.body }),
        ...(init.signal === undefined ? {} : { signal: init.signal }),
      });
    } catch (error) {
      if (init.signal?.aborted) throw init.signal.reason;
      throw new UpstreamError({
        kind: "unavailable",
        message: `No connection to ${new URL(url).origin}: ${describe(error)}`,
        ownWords: true,
        cause: error,
      });
    }
    return response.headers.has("content-encoding") ? withoutEncoding(response) : response;
  };
}

function checkUrl(url: string): void {
  // The common case is decided by its first characters; parsing a URL costs a microsecond.
  if (!url.startsWith("http://") && !url.startsWith("https://")) {
    throw new TypeError(
      `Outgoing requests speak http or https, not ${url.slice(0, url.indexOf(":") + 1) || "this"}`,
    );
  }
  const authorityEnd = url.indexOf("/", 8);
  const authority = authorityEnd < 0 ? url : url.slice(0, authorityEnd);
  if (authority.includes("@")) throw new TypeError("A URL must not carry a user name or password");
}

/** The runtime has decompressed the body but still names the encoding and the compressed length. */
function withoutEncoding(response: Response): Response {
  const headers = new Headers(response.headers);
  headers.delete("content-encoding");
  headers.delete("content-length");
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = (error as { readonly code?: unknown }).code;
  // The runtime's words are for its developers ("pass `verbose: true` …"); the code says it.
  return typeof code === "string" ? code : error.message;
}
