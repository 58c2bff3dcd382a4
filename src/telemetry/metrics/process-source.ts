import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";
import type { MetricSource, ReportMetric } from "../../schema/metrics.ts";

/** Memory, processor time and files of this process. */
export function processSource(nowMs: number): MetricSource {
  const startedAt = Math.round(nowMs - process.uptime() * 1000) / 1000;
  return {
    collect(report) {
      const { rss, heapUsed } = process.memoryUsage();
      const { user, system } = process.cpuUsage();
      report("process_resident_memory_bytes", rss);
      report("process_heap_bytes", heapUsed);
      report("process_cpu_seconds_total", (user + system) / 1e6);
      report("process_start_time_seconds", startedAt);
      reportFiles(report);
    },
  };
}

function reportFiles(report: ReportMetric): void {
  try {
    report("process_open_fds", readdirSync("/proc/self/fd").length);
    const limit = readFileSync("/proc/self/limits", "utf8").match(/^Max open files +(\d+)/m)?.[1];
    if (limit !== undefined) report("process_max_fds", Number(limit));
  } catch {
    // Not every system tells.
  }
}
