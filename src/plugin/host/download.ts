import { lookup as lookUpName } from "node:dns/promises";
import { request as requestHttp } from "node:http";
import type { IncomingMessage } from "node:http";
import { request as requestHttps } from "node:https";
import ipaddr from "ipaddr.js";
import type { DownloadSettings } from "../../schema/settings.ts";
import type { Download, DownloadedFile } from "../api/host.ts";
import { UpstreamError } from "../api/upstream-error.ts";

/** A redirect is an address of the server's choosing; image hosts need one or two. */
const mostRedirects = 3;

/**
 * Makes the function that fetches what a client's request names by address. Without the guard, anybody with a key could read what
 * only this machine can reach: cloud metadata, the admin pages of neighbours.
 *
 * The name is resolved once, every address it has is checked, and the connection is made to a checked address, so that a name
 * that changes in between gains nothing. Each redirect is checked the same way.
 */
export function createDownload(options: DownloadSettings): Download {
  return async (url, signal) => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(options.timeout_ms)]);
    let address = parse(url, undefined);
    for (let hop = 0; hop <= mostRedirects; hop++) {
      const answer = await ask(address, options, limit).catch((error: unknown) => {
        if (signal.aborted) throw signal.reason;
        if (limit.aborted) throw refused(address, `it took more than ${options.timeout_ms} ms`);
        throw error instanceof UpstreamError ? error : refused(address, describe(error), error);
      });
      if ("data" in answer) return answer;
      address = parse(answer.location, address);
    }
    throw refused(address, `it redirects more than ${mostRedirects} times`);
  };
}

function parse(text: string, base: URL | undefined): URL {
  const url = URL.parse(text, base?.href);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw new UpstreamError({
      kind: "invalid_request",
      code: "invalid_url",
      message: `A file's address must be http or https, or a data URL, not ${
        JSON.stringify(text.slice(0, 80))
      }.`,
    });
  }
  if (url.username !== "" || url.password !== "") throw refused(url, "it carries a user name or a password");
  return url;
}

async function ask(
  url: URL,
  options: DownloadSettings,
  signal: AbortSignal,
): Promise<DownloadedFile | { readonly location: string }> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const addresses = ipaddr.isValid(host)
    ? [{ address: host, family: ipaddr.parse(host).kind() === "ipv6" ? 6 : 4 }]
    : await lookUpName(host, { all: true });
  if (!options.allow_private_hosts && !addresses.every(({ address }) => isPublic(address))) {
    throw refused(url, "its host is not public");
  }
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = url.protocol === "https:" ? requestHttps : requestHttp;
    request(url, {
      agent: false,
      signal,
      headers: { accept: "*/*", "accept-encoding": "identity" },
      lookup: (_host, { all }, answer) =>
        all ? answer(null, addresses) : answer(null, addresses[0]!.address, addresses[0]!.family),
    }, resolve).on("error", reject).end();
  });
  try {
    const { statusCode: status = 0, headers } = response;
    if (status >= 300 && status < 400 && headers.location !== undefined) {
      return { location: headers.location };
    }
    if (status !== 200) throw refused(url, `its host answers with status ${status}`);
    const data = await read(response, options.max_bytes, url);
    const mediaType = (headers["content-type"] ?? "").split(";")[0]!.trim().toLowerCase();
    return { mediaType: mediaType || "application/octet-stream", data };
  } finally {
    response.destroy();
  }
}

async function read(response: IncomingMessage, limit: number, url: URL): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of response) {
    size += piece.byteLength;
    if (size > limit) throw refused(url, `it has more than ${limit} bytes`);
    pieces.push(piece);
  }
  return new Uint8Array(Buffer.concat(pieces));
}

/** IPv4 inside IPv6 (`::ffff:127.0.0.1`, `64:ff9b::7f00:1`) has a range of its own and is refused with the rest. */
export function isPublic(address: string): boolean {
  return ipaddr.parse(address).range() === "unicast";
}

function refused(url: URL, reason: string, cause?: unknown): UpstreamError {
  return new UpstreamError({
    kind: "invalid_request",
    code: "invalid_url",
    message: `The file at ${url.origin}${url.pathname} cannot be used: ${reason}.`,
    cause,
  });
}

function describe(error: unknown): string {
  const code = (error as { readonly code?: unknown } | null)?.code;
  return typeof code === "string" ? `no connection (${code})` : "no connection";
}
