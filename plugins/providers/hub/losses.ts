import type { CallContext, FidelityLoss } from "intellirouter/plugin";

/** Tells of one loss: where in the client's request, and why. */
export type Lose = (field: string, effect: FidelityLoss["effect"], detail: string) => void;

export function loseTo(reportLoss: CallContext["reportLoss"]): Lose {
  return (field, effect, detail) => reportLoss({ field, effect, detail });
}
