import type { LoadedSettings } from "../config/load-settings.ts";
import type { Logger } from "../telemetry/logger.ts";

/** What a running process cannot change. */
export function warnOfRestart(old: LoadedSettings, next: LoadedSettings, logger: Logger): void {
  const frozen = ({ settings }: LoadedSettings) => ({
    "server.host": settings.server.host,
    "server.port": settings.server.port,
    "server.admin_listen": settings.server.admin_listen,
    "server.metrics_listen": settings.server.metrics_listen,
    "server.idle_timeout_seconds": settings.server.idle_timeout_seconds,
    "logging.level": settings.logging.level,
    "logging.format": settings.logging.format,
    decisions: JSON.stringify(settings.decisions),
    shutdown: JSON.stringify(settings.shutdown),
    store: JSON.stringify(settings.store),
    "cache.max_bytes": settings.cache.max_bytes,
    redis: JSON.stringify(settings.redis),
    chromadb: JSON.stringify(settings.chromadb),
  });
  const before = frozen(old);
  const changed = Object.entries(frozen(next)).filter(([name, value]) =>
    before[name as keyof typeof before] !== value
  );
  if (changed.length > 0) {
    logger.warn("some changed settings need a restart", { settings: changed.map(([name]) => name) });
  }
}
