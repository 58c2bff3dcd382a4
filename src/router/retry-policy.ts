import type { UpstreamErrorKind } from "../plugin/api/upstream-error.ts";

/** How a failed call counts against its target. */
export type Fault =
  /** The target is sick: towards opening its circuit. */
  | "failure"
  /** The target asked for a pause and gets it. */
  | "cool-down"
  /** Our credential is bad, which concerns every model of the provider and says nothing about its health. */
  | "credential"
  /** Our credential is good and may not use this target. */
  | "forbidden"
  /** The request's own fault; the target did its work. */
  | "none";

export interface RetryRule {
  /** The same target may succeed in a moment. */
  readonly retrySame: boolean;
  /** Another target may succeed. */
  readonly tryNext: boolean;
  /** With other targets left, go there at once instead of waiting for this one. */
  readonly preferNext: boolean;
  readonly fault: Fault;
}

/** What is retried, what falls over and what trips a circuit: all of it is here, and a function of the kind (and of two telling statuses). */
const rules: Readonly<Record<UpstreamErrorKind, RetryRule>> = {
  rate_limited: { retrySame: true, tryNext: true, preferNext: true, fault: "cool-down" },
  overloaded: { retrySame: true, tryNext: true, preferNext: true, fault: "failure" },
  timeout: { retrySame: true, tryNext: true, preferNext: true, fault: "failure" },
  unavailable: { retrySame: true, tryNext: true, preferNext: false, fault: "failure" },
  bad_response: { retrySame: true, tryNext: true, preferNext: true, fault: "failure" },
  auth: { retrySame: false, tryNext: true, preferNext: true, fault: "credential" },
  context_length: { retrySame: false, tryNext: true, preferNext: true, fault: "none" },
  unsupported: { retrySame: false, tryNext: true, preferNext: true, fault: "none" },
  content_filter: { retrySame: false, tryNext: false, preferNext: false, fault: "none" },
  invalid_request: { retrySame: false, tryNext: false, preferNext: false, fault: "none" },
};

/** A backend that does not have the model; another target may. */
const unknownModel: RetryRule = { retrySame: false, tryNext: true, preferNext: true, fault: "none" };

/**
 * 403 is about one model (not enabled for this account, not in this region), and 402 at an aggregator often about one request's size;
 * the provider's other models may work.
 */
const forbiddenModel: RetryRule = { ...rules.auth, fault: "forbidden" };

export function retryRule(kind: UpstreamErrorKind, status: number | undefined): RetryRule {
  if (kind === "invalid_request" && status === 404) return unknownModel;
  return kind === "auth" && (status === 403 || status === 402) ? forbiddenModel : rules[kind];
}
