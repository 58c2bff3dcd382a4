import type { Decision } from "../schema/decision.ts";
import type { Logger } from "../telemetry/logger.ts";

/** One line for a finished inference request: what was asked, who served, what it took. Never what was said. */
export function writeAccessLine(logger: Logger, decision: Decision): void {
  if (!logger.writes("info")) return;
  const { timing, usage } = decision;
  logger.info("request", {
    request_id: decision.request_id,
    decision: decision.id,
    trace_id: decision.trace?.trace_id,
    operation: decision.operation,
    model: decision.model,
    target: decision.target,
    principal: decision.principal,
    stream: decision.stream,
    status: decision.status,
    outcome: decision.outcome,
    attempts: decision.attempts.length,
    prompt_tokens: usage?.prompt_tokens,
    completion_tokens: usage?.completion_tokens,
    first_token_ms: timing.first_token_ms,
    total_ms: timing.total_ms,
    gateway_ms: timing.gateway_ms,
    error: decision.error,
  });
}
