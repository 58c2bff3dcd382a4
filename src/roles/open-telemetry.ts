import { join } from "node:path";
import { openSqlite } from "../runtime/sqlite.ts";
import { type AuditedAct, AuditLog } from "../telemetry/audit/audit-log.ts";
import { headFile } from "../telemetry/audit/head-file.ts";
import { EventLoopSource } from "../telemetry/metrics/event-loop-source.ts";
import { processSource } from "../telemetry/metrics/process-source.ts";
import { Telemetry } from "../telemetry/telemetry.ts";
import type { SharedServices } from "./shared-services.ts";
import { watchBreakers } from "./watch-breakers.ts";

type World = Pick<SharedServices, "dataDirectory" | "clock" | "logger" | "states">;

export interface OpenedTelemetry {
  readonly telemetry: Telemetry;
  readonly auditLog: AuditLog;
  /** Keeps the act in the audit log before it returns. @throws when it cannot be kept. */
  readonly audit: (act: AuditedAct) => void;
  /** The gateway serves; and the audit log is told as well when it begins to stop. */
  started(details: Readonly<Record<string, unknown>>, stopping: AbortSignal): void;
  /** A configuration was taken over. */
  reloaded(): void;
  /** A configuration could not be taken over. Never throws. */
  notReloaded(resource: string, error: unknown): void;
  /** Sends what waits; in a hurry when the signal aborts. */
  flush(boundMs: number, forced: AbortSignal): Promise<void>;
  close(): void;
}

/** What is left of the time to send what waits, once the end is forced, in milliseconds. */
const hurryMs = 500;

export function openTelemetry(world: World, version: string): OpenedTelemetry {
  const { clock, logger, states } = world;
  const telemetry = new Telemetry({
    clock,
    onError: (error) => logger.error("a part could not tell its metrics", { error }),
  });
  const auditLog = openAuditLog(world.dataDirectory, clock, (entry) => telemetry.audited(entry));
  const eventLoop = new EventLoopSource(clock);
  const stopWatching = watchBreakers({ telemetry, states, clock });
  const lastReload = { successful: true, at: clock.now() };
  for (const source of [auditLog, eventLoop, processSource(clock.now())]) telemetry.metrics.register(source);
  telemetry.metrics.register({
    collect(report) {
      report("intellirouter_build_info", 1, { version, runtime: runtimeName() });
      report("intellirouter_config_last_reload_successful", lastReload.successful ? 1 : 0);
      report("intellirouter_config_last_reload_timestamp_seconds", lastReload.at / 1000);
    },
  });
  const audit = (act: AuditedAct) => {
    const { sequence } = auditLog.record(act);
    logger.info("administration", { ...act, sequence });
  };
  /** What happens anyway must not fail because it cannot be written down. */
  const note = (act: AuditedAct) => {
    try {
      auditLog.record(act);
    } catch (error) {
      logger.error("the audit log cannot be written", { error, action: act.action });
    }
  };
  const itself = { actor: "gateway", resource: "gateway" };
  return {
    telemetry,
    auditLog,
    audit,
    started: (details, stopping) => {
      note({ ...itself, action: "gateway.start", details });
      stopping.addEventListener("abort", () => note({ ...itself, action: "gateway.stop" }), { once: true });
    },
    reloaded: () => {
      lastReload.successful = true;
      lastReload.at = clock.now();
    },
    notReloaded: (resource, error) => {
      lastReload.successful = false;
      const reason = error instanceof Error ? error.message : String(error);
      note({ actor: "gateway", action: "config.reload", resource, outcome: "failed", details: { reason } });
    },
    async flush(boundMs, forced) {
      const limit = forced.aborted ? Math.min(hurryMs, boundMs) : boundMs;
      await telemetry.close(limit);
    },
    close: () => {
      stopWatching();
      eventLoop.close();
      auditLog.close();
    },
  };
}

/** The audit log of a data directory; in memory where there is none. */
export function openAuditLog(
  directory: string | undefined,
  clock: World["clock"],
  onEntry: (entry: Parameters<Telemetry["audited"]>[0]) => void = () => {},
): AuditLog {
  return new AuditLog({
    database: openSqlite(directory === undefined ? ":memory:" : join(directory, "audit.sqlite")),
    heads: directory === undefined ? undefined : headFile(join(directory, "audit.head.json")),
    clock,
    onEntry,
  });
}

function runtimeName(): string {
  const { bun, deno } = process.versions as { readonly bun?: string; readonly deno?: string };
  return bun !== undefined ? `bun ${bun}` : deno !== undefined ? `deno ${deno}` : "unknown";
}
