import type { LoadedSettings } from "../config/load-settings.ts";
import { createPluginHost } from "../plugin/host/plugin-host.ts";
import { DecisionLog } from "../telemetry/decision-log.ts";
import type { SharedServices } from "./shared-services.ts";

export function openDecisionLog({ settings }: LoadedSettings, shared: SharedServices): DecisionLog {
  const { max_records: maxRecords, max_age_hours: maxAgeHours } = settings.decisions;
  return new DecisionLog({
    database: createPluginHost({ ...shared, downloads: settings.downloads }, "gateway").sqlite("decisions"),
    clock: shared.clock,
    maxRecords,
    maxAgeMs: maxAgeHours * 3_600_000,
    onError: (error, lost) => shared.logger.error("decision records could not be written", { error, lost }),
  });
}
