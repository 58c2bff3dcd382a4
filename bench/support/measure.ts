/** Processes and their cost, read from /proc. */
import { readFileSync } from "node:fs";

export interface Candidate {
  readonly name: string;
  readonly origin: string;
  /** The process and its children: nginx works in children. */
  readonly pids: readonly number[];
  stop(): Promise<void>;
}

const ticksPerSecond = 100;

/** User and system time of processes, in microseconds. The kernel counts in hundredths of a second. */
export function cpuMicroseconds(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return (ticks * 1e6) / ticksPerSecond;
}

export interface Memory {
  /** Resident memory, in megabytes; shared file pages of the executable included. */
  readonly residentMb: number;
  /** The anonymous part: what the process really takes for itself. */
  readonly anonymousMb: number;
}

export function memory(pids: readonly number[]): Memory {
  let resident = 0;
  let anonymous = 0;
  for (const pid of pids) {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    resident += Number(status.match(/VmRSS:\s+(\d+)/)?.[1] ?? 0);
    anonymous += Number(status.match(/RssAnon:\s+(\d+)/)?.[1] ?? 0);
  }
  return { residentMb: round(resident / 1024), anonymousMb: round(anonymous / 1024) };
}

export function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(
    Number,
  );
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function round(value: number, digits = 1): number {
  return Number(value.toFixed(digits));
}
