import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { LoadedSettings } from "../config/load-settings.ts";
import { openLogFile } from "../runtime/log-file.ts";
import { type ProcessLock, tryLock } from "../runtime/process-lock.ts";
import { openSqlite } from "../runtime/sqlite.ts";
import { type SpentSum, UsageDatabase } from "../telemetry/ledger/usage-database.ts";
import { UsageLedger } from "../telemetry/ledger/usage-ledger.ts";
import type { SharedServices } from "./shared-services.ts";

export interface OpenedUsage {
  readonly database: UsageDatabase;
  readonly ledger: UsageLedger;
  /** What a scope has spent in the running periods, up to now. */
  spent(scope: string): SpentSum[];
  close(): void;
}

/** More processes than one machine has cores to run. */
const mostProcesses = 256;
const dayMs = 24 * 60 * 60 * 1000;

/** Opens the books, after booking what processes that are no more have left. */
export function openUsageLedger(
  { dataDirectory: directory, clock, logger }: Pick<SharedServices, "dataDirectory" | "clock" | "logger">,
  settings: () => LoadedSettings["settings"],
): OpenedUsage {
  const lock = directory === undefined ? undefined : claimSlot(directory);
  if (lock !== undefined && lock.slot > 0) {
    logger.warn(
      "another gateway uses this data directory: limits count for each of them alone, and each learns of the other's spending with a delay",
      {
        directory,
      },
    );
  }
  const database = openUsageDatabase(directory);
  const ledger = new UsageLedger({
    database,
    directory,
    slot: lock?.slot ?? 0,
    openLog: openLogFile,
    clock,
    onError: (message, error) => logger.error(message, { error }),
    retentionMs: () => settings().usage.retention_days * dayMs,
  });
  return {
    database,
    ledger,
    spent: (scope) => {
      ledger.flush();
      return database.spent(scope, clock.now());
    },
    close: () => {
      ledger.close();
      lock?.release();
    },
  };
}

export function openUsageDatabase(directory: string | undefined): UsageDatabase {
  return new UsageDatabase(
    openSqlite(directory === undefined ? ":memory:" : join(directory, "gateway-usage.sqlite")),
  );
}

/** The first number that no living process has: its log is then either new, or that of a process that is no more. */
function claimSlot(directory: string): ProcessLock & { readonly slot: number } {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (let slot = 0; slot < mostProcesses; slot++) {
    const lock = tryLock(join(directory, `usage-${slot}.lock`));
    if (lock !== undefined) return { slot, release: () => lock.release() };
  }
  throw new Error(`more than ${mostProcesses} processes use the data directory ${directory}`);
}
