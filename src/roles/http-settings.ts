import { clientAddressBehind } from "../auth/client-address.ts";
import type { LoadedSettings } from "../config/load-settings.ts";
import type { HttpSettings } from "../http/http-services.ts";

export function httpSettings({ settings }: LoadedSettings): HttpSettings {
  const { server, cors, logging } = settings;
  return {
    maxBytes: server.max_body_bytes,
    maxDepth: server.max_json_depth,
    allowedHosts: new Set(server.allowed_hosts.map((name) => name.toLowerCase())),
    clientAddress: clientAddressBehind(server.trusted_proxies),
    corsOrigins: cors.origins,
    corsMaxAgeSeconds: cors.max_age_seconds,
    accessLog: logging.access,
    logPrompts: logging.prompts,
  };
}
