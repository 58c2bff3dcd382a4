import type { LoadedSettings } from "../config/load-settings.ts";
import { type Surface, surfaces } from "../http/route.ts";
import type { Clock } from "../lib/clock.ts";
import type { RequestHandler } from "../lib/connection.ts";
import type { SettingPath } from "../lib/config-error.ts";
import type { HttpServer } from "../runtime/serve.ts";
import type { Logger } from "../telemetry/logger.ts";
import { closeServer, listen } from "./listen.ts";

/** One address and what is served there. */
export interface ListenerPlan {
  readonly host: string;
  readonly port: number;
  readonly path: SettingPath;
  readonly surfaces: ReadonlySet<Surface>;
  /** Of those, the ones that ask for no key here. */
  readonly open: ReadonlySet<Surface>;
}

/** The main address serves everything that has no address of its own. */
export function planListeners(
  { server }: LoadedSettings["settings"],
): readonly [ListenerPlan, ...ListenerPlan[]] {
  const own = new Map<string, { path: SettingPath; surfaces: Set<Surface> }>();
  for (const [key, surface] of [["admin_listen", "admin"], ["metrics_listen", "metrics"]] as const) {
    const address = server[key];
    if (address === undefined) continue;
    const known = own.get(address);
    if (known === undefined) own.set(address, { path: ["server", key], surfaces: new Set([surface]) });
    else known.surfaces.add(surface);
  }
  const elsewhere = new Set([...own.values()].flatMap((listener) => [...listener.surfaces]));
  const { host, port } = server;
  return [
    {
      host,
      port,
      path: ["server", "port"],
      surfaces: new Set(surfaces.filter((surface) => !elsewhere.has(surface))),
      open: new Set(),
    },
    ...[...own].map(([address, { path, surfaces }]): ListenerPlan => ({
      ...hostAndPort(address),
      path,
      surfaces,
      open: new Set(surfaces.has("metrics") ? ["metrics"] : []),
    })),
  ];
}

export interface OpenedListeners {
  /** The one that serves the API. */
  readonly main: HttpServer;
  /** Makes every listener's handler anew, after a reload. */
  renew(): void;
  close(forced: AbortSignal): Promise<void>;
}

/**
 * Listens on every address.
 *
 * @param handle makes the handler of one address.
 * @throws {Error} naming the address that cannot be had, and where it is configured.
 */
export async function openListeners(
  loaded: LoadedSettings,
  handle: (plan: ListenerPlan) => RequestHandler,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): Promise<OpenedListeners> {
  const opened: { readonly server: HttpServer; renew(): void }[] = [];
  const close = (forced: AbortSignal) =>
    Promise.all(opened.map(({ server }) => closeServer(server, clock, forced))).then(() => {});
  const plans = planListeners(loaded.settings);
  try {
    for (const plan of plans) {
      let handler = handle(plan);
      const server = await listen(
        loaded,
        plan,
        (request, connection) => handler(request, connection),
        logger,
      );
      opened.push({ server, renew: () => void (handler = handle(plan)) });
      if (plan !== plans[0]) {
        logger.info("listening", { host: server.host, port: server.port, serves: [...plan.surfaces] });
      }
    }
  } catch (error) {
    await close(AbortSignal.abort());
    throw error;
  }
  return { main: opened[0]!.server, renew: () => opened.forEach((one) => one.renew()), close };
}

function hostAndPort(address: string): { readonly host: string; readonly port: number } {
  const colon = address.lastIndexOf(":");
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(address.slice(colon + 1)) };
}
