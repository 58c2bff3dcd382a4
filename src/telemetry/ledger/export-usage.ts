import { stringify } from "csv-stringify/sync";
import { toDollars, toNanodollars } from "../../lib/money.ts";
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

function attemptRows(record: UsageRecord) {
  const { id, time, key, team, model, attempts } = record;
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
    ...(index === attempts.length - 1 && attempt.target === record.target
      ? servedUse(record)
      : failedUse(attempt)),
  }));
}

/** What the attempt that served has used and cost: all of the request but what those before it cost. */
function servedUse({ attempts, nanodollars, ...record }: UsageRecord) {
  const before = attempts.reduce((sum, { cost_usd: cost }) => sum + toNanodollars(cost ?? 0), 0);
  return {
    input_tokens: record.input_tokens,
    cached_tokens: record.cached_tokens,
    cache_write_tokens: record.cache_write_tokens,
    output_tokens: record.output_tokens,
    reasoning_tokens: record.reasoning_tokens,
    estimated: record.estimated,
    cost_usd: nanodollars === null ? null : toDollars(nanodollars - before),
    price_version: record.price_version,
  };
}

function failedUse(
  { prompt_tokens: tokens, cost_usd: cost, price_version }: UsageRecord["attempts"][number],
) {
  return {
    input_tokens: tokens ?? 0,
    cached_tokens: 0,
    cache_write_tokens: 0,
    output_tokens: 0,
    reasoning_tokens: 0,
    estimated: tokens !== undefined,
    cost_usd: cost ?? 0,
    price_version: price_version ?? null,
  };
}
