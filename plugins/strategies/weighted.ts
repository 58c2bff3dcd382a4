import { definePlugin } from "intellirouter/plugin";
import { z } from "zod";

/**
 * Weighted sampling without replacement by exponential keys (Efraimidis and Spirakis, "Weighted random sampling with a
 * reservoir", 2006): ordering by `-ln(u) / weight` puts each target first with its share of the weights, and orders the
 * rest, which are the fallbacks, the same way. Targets of weight 0 come last, as fallbacks only.
 */
export default definePlugin({
  apiVersion: 1,
  kind: "strategy",
  name: "weighted",
  description: "By chance, each target with its weight's share of the requests.",
  options: z.strictObject({}),
  create: (_options, host) => ({
    rank(targets) {
      const total = targets.reduce((sum, target) => sum + target.weight, 0);
      return targets
        .map(({ id, weight }) => ({
          id,
          key: weight > 0 ? -Math.log(1 - host.random()) / weight : Infinity,
          propensity: total > 0 ? weight / total : 0,
        }))
        .sort((left, right) => (left.key === right.key ? 0 : left.key - right.key))
        .map(({ id, propensity }) => ({ id, propensity }));
    },
  }),
});
