import type { MetricSource } from "../schema/metrics.ts";
import type { DecisionLog } from "../telemetry/decision-log.ts";
import type { UsageLedger } from "../telemetry/ledger/usage-ledger.ts";
import type { Admission } from "./admission.ts";

export interface MeasuredParts {
  readonly admission: Pick<Admission, "running" | "most">;
  readonly decisions: Pick<DecisionLog, "lag" | "lost">;
  readonly ledger: Pick<UsageLedger, "lag" | "isDurable">;
}

/** What is under way in the gateway, and what waits to be written. */
export function gatewaySource({ admission, decisions, ledger }: MeasuredParts): MetricSource {
  return {
    collect(report) {
      report("intellirouter_requests_in_flight", admission.running);
      report("intellirouter_requests_in_flight_limit", admission.most);
      report("intellirouter_decision_log_pending_records", decisions.lag);
      report("intellirouter_decision_log_lost_records_total", decisions.lost);
      report("intellirouter_ledger_pending_records", ledger.lag);
      report("intellirouter_ledger_durable", ledger.isDurable ? 1 : 0);
    },
  };
}
