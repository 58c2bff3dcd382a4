import { toNanodollars } from "../../lib/money.ts";
import type { Decision } from "../../schema/decision.ts";
import type { UsageRecord } from "../../schema/usage.ts";

/** The fields of a row, in the order in which they are kept. */
export const usageColumns = [
  "id",
  "time",
  "request_id",
  "operation",
  "model",
  "route",
  "target",
  "key",
  "team",
  "organisation",
  "user",
  "stream",
  "cached",
  "outcome",
  "status",
  "input_tokens",
  "cached_tokens",
  "cache_write_tokens",
  "output_tokens",
  "reasoning_tokens",
  "estimated",
  "nanodollars",
  "price_version",
  "first_token_ms",
  "total_ms",
  "gateway_ms",
  "attempts",
] as const satisfies readonly (keyof UsageRecord)[];

/** A row as a list, in the order of `usageColumns`: half the length of an object in JSON. */
export function valuesOf(record: UsageRecord): UsageRecord[keyof UsageRecord][] {
  return usageColumns.map((column) => record[column]);
}

export function recordOf(values: readonly unknown[]): UsageRecord {
  return Object.fromEntries(usageColumns.map((column, index) => [column, values[index]])) as UsageRecord;
}

/** The books' line of a finished request. */
export function usageRecordOf(decision: Decision): UsageRecord {
  const { usage, timing } = decision;
  return {
    id: decision.id,
    time: Date.parse(decision.time),
    request_id: decision.request_id,
    operation: decision.operation,
    model: decision.model,
    route: decision.route ?? null,
    target: decision.target ?? null,
    key: decision.principal,
    team: decision.team ?? null,
    organisation: decision.organisation ?? null,
    user: decision.user ?? null,
    stream: decision.stream,
    cached: decision.cached ?? false,
    outcome: decision.outcome,
    status: decision.status,
    input_tokens: usage?.prompt_tokens ?? 0,
    cached_tokens: usage?.cached_tokens ?? 0,
    cache_write_tokens: usage?.cache_write_tokens ?? 0,
    output_tokens: usage?.completion_tokens ?? 0,
    reasoning_tokens: usage?.reasoning_tokens ?? 0,
    estimated: usage?.estimated ?? false,
    nanodollars: decision.cost_usd === undefined
      ? decision.target === undefined ? 0 : null
      : toNanodollars(decision.cost_usd),
    price_version: decision.price_version ?? null,
    first_token_ms: timing.first_token_ms ?? null,
    total_ms: timing.total_ms,
    gateway_ms: timing.gateway_ms,
    attempts: decision.attempts,
  };
}

/** A request that was sent to a backend and whose end is not known yet. */
export interface BegunRequest {
  /** The decision record's id. */
  readonly id: string;
  /** Arrival, in milliseconds since the epoch. */
  readonly time: number;
  readonly request_id: string;
  readonly operation: string;
  readonly model: string;
  readonly target: string;
  readonly key: string;
  readonly team: string | null;
  readonly organisation: string | null;
  readonly stream: boolean;
  /** The estimate of the prompt. */
  readonly input_tokens: number;
  /** What was set aside for it; null when the price is unknown. */
  readonly nanodollars: number | null;
}

/** What is written ahead of a request, in this order. */
const begunColumns = [
  "id",
  "time",
  "request_id",
  "operation",
  "model",
  "target",
  "key",
  "team",
  "organisation",
  "stream",
  "input_tokens",
  "nanodollars",
] as const satisfies readonly (keyof BegunRequest)[];

/** As a list, in the order of `begunColumns`. */
export function begunValuesOf(request: BegunRequest): BegunRequest[keyof BegunRequest][] {
  return begunColumns.map((column) => request[column]);
}

export function begunOf(values: readonly unknown[]): BegunRequest {
  return Object.fromEntries(
    begunColumns.map((column, index) => [column, values[index]]),
  ) as unknown as BegunRequest;
}

/** The books' line of a request that a crash has swallowed: at worst it cost what was set aside for it. */
export function lostRecordOf(begun: BegunRequest): UsageRecord {
  return {
    ...begun,
    route: null,
    user: null,
    cached: false,
    outcome: "lost",
    status: 0,
    cached_tokens: 0,
    cache_write_tokens: 0,
    output_tokens: 0,
    reasoning_tokens: 0,
    estimated: true,
    price_version: null,
    first_token_ms: null,
    total_ms: 0,
    gateway_ms: 0,
    attempts: [],
  };
}

/** Those whose money a request is. Every one has its own sum. */
export function scopesOf(
  { key, team, organisation }: Pick<UsageRecord, "key" | "team" | "organisation">,
): string[] {
  return [
    "*",
    `key:${key}`,
    ...(team === null ? [] : [`team:${team}`]),
    ...(organisation === null ? [] : [`organisation:${organisation}`]),
  ];
}
