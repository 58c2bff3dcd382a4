import type { LimitStates } from "../gateway/gateway-call.ts";

/**
 * The caller's limits as response headers: as OpenAI spells them (`x-ratelimit-*`, times as `6m0s`), and for the Messages protocol as
 * Anthropic does (`anthropic-ratelimit-*`, times in RFC 3339).
 */
export function limitHeaders(
  { requests, tokens }: LimitStates,
  now: number,
  isMessages: boolean,
): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [unit, state] of [["requests", requests], ["tokens", tokens]] as const) {
    if (state === undefined) continue;
    headers[`x-ratelimit-limit-${unit}`] = String(state.limit);
    headers[`x-ratelimit-remaining-${unit}`] = String(state.remaining);
    headers[`x-ratelimit-reset-${unit}`] = duration(state.resetMs);
    if (!isMessages) continue;
    headers[`anthropic-ratelimit-${unit}-limit`] = String(state.limit);
    headers[`anthropic-ratelimit-${unit}-remaining`] = String(state.remaining);
    headers[`anthropic-ratelimit-${unit}-reset`] = new Date(now + state.resetMs).toISOString();
  }
  return headers;
}

/** As Go writes durations: `1h2m3s`, `850ms`. */
function duration(milliseconds: number): string {
  if (milliseconds < 1_000) return `${Math.ceil(milliseconds)}ms`;
  const seconds = Math.ceil(milliseconds / 1_000);
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
  return `${hours > 0 ? `${hours}h` : ""}${hours > 0 || minutes > 0 ? `${minutes}m` : ""}${seconds % 60}s`;
}
