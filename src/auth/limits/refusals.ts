import { ApiError } from "../../lib/api-error.ts";
import { toDollars } from "../../lib/money.ts";
import type { ExpectedUse } from "./contracts.ts";
import type { BudgetExcess } from "./budget-usage.ts";
import type { LimitExcess } from "./rate-usage.ts";

/** A request that is over a limit of the rate, in the words and shape of OpenAI's API. */
export function rateExceeded(
  scope: string,
  { unit, what, limit, used, asked, waitMs }: LimitExcess,
): ApiError {
  const never = waitMs === Infinity;
  const again = never
    ? "The request alone is more than the limit."
    : waitMs === undefined
    ? "Try again when another one has ended."
    : `Please try again in ${Math.ceil(waitMs / 1000)}s.`;
  return new ApiError({
    status: 429,
    type: unit === "tokens" ? "tokens" : "requests",
    code: "rate_limit_exceeded",
    message: `Rate limit reached for ${
      nameOf(scope)
    } on ${what}: limit ${limit}, used ${used}, requested ${asked}. ${again}`,
    retryAfterMs: never ? undefined : waitMs ?? 1_000,
    shouldRetry: never ? false : undefined,
  });
}

/** A request that could cost more than what is left. Asking again does not help: clients are told not to. */
export function budgetExceeded(
  scope: string,
  { period, limit, spent, reserved, asked, endsInMs }: BudgetExcess,
): ApiError {
  const within = { day: "today's", month: "this month's", total: "the whole" }[period];
  return new ApiError({
    status: 429,
    type: "insufficient_quota",
    code: "insufficient_quota",
    message:
      `The request could cost ${usd(asked)}, and ${within} budget of ${
        nameOf(scope)
      } has not that much left: ` +
      `of ${usd(limit)}, ${usd(spent)} are spent and ${usd(reserved)} set aside for requests that run.`,
    retryAfterMs: endsInMs === Infinity ? undefined : endsInMs,
    shouldRetry: false,
  });
}

/** A model whose price nobody knows cannot be paid from a hard budget. */
export function priceUnknown(scope: string, target: string): ApiError {
  return new ApiError({
    status: 403,
    code: "price_unknown",
    message: `The price of ${target} is not known, and the budget of ${
      nameOf(scope)
    } is a hard one. Set [[models]] id = "${target}" with a price (0 if it is free).`,
    shouldRetry: false,
  });
}

/** Tokens that a request may take at least, its prompt and its answer. */
export function sizeOf({ mostPromptTokens, outputTokens, choices }: ExpectedUse): number {
  return mostPromptTokens() + (outputTokens ?? 1) * choices;
}

export function tooManyTokens(scope: string, limit: number, asked: number): ApiError {
  return new ApiError({
    status: 400,
    code: "tokens_per_request_exceeded",
    message: `The request may take ${asked} tokens, its prompt and its answer; ${
      nameOf(scope)
    } may take ${limit} in one request.`,
  });
}

/** `key:abc` → `key abc`, `*` → `this gateway`. */
function nameOf(scope: string): string {
  return scope === "*" ? "this gateway" : scope.replace(":", " ");
}

function usd(nanodollars: number): string {
  const dollars = toDollars(nanodollars);
  return `$${dollars >= 0.01 || dollars === 0 ? dollars.toFixed(2) : dollars.toPrecision(2)}`;
}
