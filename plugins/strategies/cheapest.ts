import { definePlugin } from "intellirouter/plugin";
import type { StrategyTarget } from "intellirouter/plugin";
import { z } from "zod";

/** Price of this request: its prompt at the input price and its expected answer at the output price. */
export default definePlugin({
  apiVersion: 1,
  kind: "strategy",
  name: "cheapest",
  description:
    "The target that is cheapest for this request's own sizes; targets of unknown price come last.",
  options: z.strictObject({
    max_outstanding_tokens: z.number().int().min(1).optional()
      .describe("A target with more outstanding tokens than this comes after all that have fewer."),
    max_cost_usd: z.number().min(0).optional()
      .describe(
        "Targets that could cost more for this request, with the longest answer that it allows, or whose price is unknown, are left out.",
      ),
  }),
  create: ({ max_outstanding_tokens: mostTokens = Infinity, max_cost_usd: mostCost }) => ({
    rank: (targets, request) =>
      targets
        .map((target) => ({
          id: target.id,
          cost: costOf(target, request.promptTokens, request.outputTokens),
          worst: costOf(target, request.promptTokens, request.maxOutputTokens ?? request.outputTokens),
          busy: target.outstandingTokens > mostTokens,
        }))
        .filter(({ worst }) => mostCost === undefined || (worst !== undefined && worst <= mostCost))
        .sort((left, right) =>
          Number(left.busy) - Number(right.busy) ||
          (left.cost === right.cost ? 0 : (left.cost ?? Infinity) - (right.cost ?? Infinity))
        )
        .map(({ id, cost }) => ({ id, ...(cost === undefined ? {} : { score: -cost }) })),
  }),
});

/** US dollars; undefined where a price is unknown. */
function costOf(
  { inputPrice, outputPrice }: StrategyTarget,
  promptTokens: number,
  outputTokens: number,
): number | undefined {
  if (inputPrice === undefined || outputPrice === undefined) return undefined;
  return (promptTokens * inputPrice + outputTokens * outputPrice) / 1e6;
}
