import { stringify } from "csv-stringify/sync";
import type { UsageRecord } from "../../schema/usage.ts";

export type UsageFormat = "csv" | "jsonl";

/**
 * The lines of an export, in the order of the books. Times are ISO 8601, costs US dollars.
 *
 * @param rows one for each request, or one for each call of a backend with what it says of its request.
 */
export function* exportUsage(
  records: Iterable<UsageRecord>,
  format: UsageFormat,
  rows: "requests" | "attempts",
): Generator<string> {
  let header = true;
  for (const record of records) {
    for (const row of rows === "requests" ? [requestRow(record, format)] : attemptRows(record)) {
      if (format === "jsonl") yield `${JSON.stringify(row)}\n`;
      else {
        yield stringify([row], { header, escape_formulas: true, cast: { boolean: String } });
        header = false;
      }
    }
  }
}

function requestRow({ time, nanodollars, attempts, ...rest }: UsageRecord, format: UsageFormat) {
  return {
    time: new Date(time).toISOString(),
    ...rest,
    cost_usd: nanodollars === null
      ? null
      : format === "csv"
      ? (nanodollars / 1e9).toFixed(9)
      : nanodollars / 1e9,
    attempts: attempts.length,
  };
}

function attemptRows({ id, time, key, team, model, attempts }: UsageRecord) {
  return attempts.map((attempt, index) => ({
    time: new Date(time).toISOString(),
    id,
    attempt: index + 1,
    key,
    team,
    model,
    target: attempt.target,
    outcome: attempt.outcome,
    error: attempt.error ?? null,
    status: attempt.status ?? null,
    start_ms: attempt.start_ms,
    first_token_ms: attempt.first_token_ms ?? null,
    duration_ms: attempt.duration_ms,
  }));
}
