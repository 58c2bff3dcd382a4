import type { Clock } from "../lib/clock.ts";
import type { TargetStates } from "../router/target-states.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";

const everyMs = 1_000;
const states = ["closed", "half-open", "open", "cooling", "credential"] as const;

export interface BreakerWatch {
  readonly telemetry: Telemetry;
  readonly states: Pick<TargetStates, "list">;
  readonly clock: Clock;
}

/** With a target `provider/*` clients choose the names. */
const mostTargets = 500;

/**
 * Tells of circuits that open and close: as metrics to whoever reads them, as events to exporters that take them. It looks once a
 * second, so that requests do not pay for it.
 *
 * @returns a function that stops it.
 */
export function watchBreakers({ telemetry, states: targets, clock }: BreakerWatch): () => void {
  const withdraw = telemetry.metrics.register({
    collect(report) {
      for (const { target, state: current, outstanding } of targets.list(clock.monotonic(), mostTargets)) {
        for (const state of states) {
          report("intellirouter_breaker_state", state === current ? 1 : 0, { target, state });
        }
        report("intellirouter_target_outstanding_requests", outstanding, { target });
      }
    },
  });
  let known = new Map<string, string>();
  const look = () => {
    timer = clock.setTimeout(look, everyMs);
    if (!telemetry.bus.wants("breaker")) return;
    const seen = new Map<string, string>();
    for (const { target, state: to } of targets.list(clock.monotonic(), mostTargets)) {
      const from = known.get(target) ?? "closed";
      if (from !== to) telemetry.breakerChanged({ target, from, to });
      seen.set(target, to);
    }
    known = seen;
  };
  let timer = clock.setTimeout(look, everyMs);
  return () => {
    clock.clearTimeout(timer);
    withdraw();
  };
}
