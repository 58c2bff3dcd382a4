import { definePlugin } from "intellirouter/plugin";
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
      .describe("Targets that would cost more for this request, or whose price is unknown, are left out."),
  }),
  create: ({ max_outstanding_tokens: mostTokens = Infinity, max_cost_usd: mostCost }) => ({
    rank: (targets, request) =>
      targets
        .map(({ id, inputPrice, outputPrice, outstandingTokens }) => ({
          id,
          cost: inputPrice === undefined || outputPrice === undefined
            ? undefined
            : (request.promptTokens * inputPrice + request.outputTokens * outputPrice) / 1e6,
          busy: outstandingTokens > mostTokens,
        }))
        .filter(({ cost }) => mostCost === undefined || (cost !== undefined && cost <= mostCost))
        .sort((left, right) =>
          Number(left.busy) - Number(right.busy) ||
          (left.cost === right.cost ? 0 : (left.cost ?? Infinity) - (right.cost ?? Infinity))
        )
        .map(({ id, cost }) => ({ id, ...(cost === undefined ? {} : { score: -cost }) })),
  }),
});
