import { existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { LoadedSettings } from "../config/load-settings.ts";
import { createPluginHost } from "../plugin/host/plugin-host.ts";
import { DecisionLog } from "../telemetry/decision-log.ts";
import type { SharedServices } from "./shared-services.ts";

/** A log that a power cut has damaged is set aside: it must not keep the gateway from its work. */
export function openDecisionLog(loaded: LoadedSettings, shared: SharedServices): DecisionLog {
  try {
    return open(loaded, shared);
  } catch (error) {
    const file = shared.dataDirectory === undefined
      ? undefined
      : join(shared.dataDirectory, "gateway-decisions.sqlite");
    if (file === undefined || !existsSync(file)) throw error;
    const aside = `${file}.damaged-${shared.clock.now()}`;
    renameSync(file, aside);
    for (const suffix of ["-wal", "-shm"]) rmSync(file + suffix, { force: true });
    shared.logger.error("the decision log cannot be read; it was set aside and a new one begun", {
      error,
      aside,
    });
    return open(loaded, shared);
  }
}

function open({ settings }: LoadedSettings, shared: SharedServices): DecisionLog {
  const { max_records: maxRecords, max_age_hours: maxAgeHours } = settings.decisions;
  return new DecisionLog({
    database: createPluginHost({ ...shared, downloads: settings.downloads }, "gateway").sqlite("decisions"),
    clock: shared.clock,
    maxRecords,
    maxAgeMs: maxAgeHours * 3_600_000,
    onError: (error, lost) => shared.logger.error("decision records could not be written", { error, lost }),
  });
}
