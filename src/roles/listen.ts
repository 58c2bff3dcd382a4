import type { LoadedSettings } from "../config/load-settings.ts";
import type { Clock } from "../lib/clock.ts";
import type { SettingPath } from "../lib/config-error.ts";
import type { RequestHandler } from "../lib/connection.ts";
import { type HttpServer, serve } from "../runtime/serve.ts";
import type { Logger } from "../telemetry/logger.ts";

/** @throws {Error} naming the address and where it is configured, when it cannot be had. */
export async function listen(
  { settings, locate }: LoadedSettings,
  { host, port, path }: { readonly host: string; readonly port: number; readonly path: SettingPath },
  handler: RequestHandler,
  logger: Logger,
): Promise<HttpServer> {
  const { idle_timeout_seconds: idleTimeoutSeconds } = settings.server;
  try {
    return serve({
      host,
      port,
      idleTimeoutSeconds,
      handler,
      onError: (error) => {
        logger.error("a request failed outside of its handler", { error });
        return new Response(null, { status: 500 });
      },
    });
  } catch (error) {
    const place = await locate(path);
    const where = place === undefined ? "" : ` (${place.file}:${place.line})`;
    throw new Error(
      `The address ${host}:${port}${where} cannot be used: ${error instanceof Error ? error.message : error}`,
      { cause: error },
    );
  }
}

/** Time for the last piece of a stream that is cut off, in milliseconds. */
const lastWordsMs = 100;

/** Lets running requests end; when it is forced, streams are told and then cut. */
export async function closeServer(server: HttpServer, clock: Clock, forced: AbortSignal): Promise<void> {
  // Streams are told first that there will be no more of them.
  const cut = () => clock.setTimeout(() => void server.abort(), lastWordsMs);
  if (forced.aborted) cut();
  else forced.addEventListener("abort", cut, { once: true });
  await server.stop();
}
