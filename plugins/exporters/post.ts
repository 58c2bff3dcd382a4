import { ExportError, isUpstreamError, type PluginHost } from "intellirouter/plugin";

export interface PostOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array<ArrayBuffer>;
  readonly signal: AbortSignal;
}

/** Statuses after which the same may be sent again (OTLP specification, "Retryable response codes"). */
const retryable = new Set([408, 425, 429, 500, 502, 503, 504]);

/**
 * Posts something to a receiver that takes it or not.
 *
 * @throws {ExportError} The receiver's words are not in it: they may repeat what was sent.
 */
export async function post(
  host: Pick<PluginHost, "fetch" | "now">,
  url: string,
  { headers, body, signal }: PostOptions,
): Promise<void> {
  let response: Response;
  try {
    response = await host.fetch(url, { method: "POST", headers, body, signal });
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const message = isUpstreamError(error) ? error.message : `no answer from ${new URL(url).origin}`;
    throw new ExportError({ message, retryable: true, cause: error });
  }
  await response.body?.cancel();
  if (response.ok) return;
  throw new ExportError({
    message: `${new URL(url).origin} answered with status ${response.status}`,
    retryable: retryable.has(response.status),
    retryAfterMs: retryAfterMs(response.headers.get("retry-after"), host.now()),
  });
}

/** Seconds, or a date. */
function retryAfterMs(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1_000 : Date.parse(header) - now;
  return Number.isFinite(ms) && ms > 0 ? ms : undefined;
}
