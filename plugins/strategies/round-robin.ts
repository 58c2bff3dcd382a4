import { definePlugin } from "intellirouter/plugin";
import { z } from "zod";

/**
 * Smooth weighted round-robin, as in nginx: every target's credit grows by its weight, the richest goes first and pays
 * the sum. Turns are spread evenly (`a b a c a` and not `a a a b c` for weights 3, 1, 1), and targets that are out for a
 * while do not save up turns.
 */
export default definePlugin({
  apiVersion: 1,
  kind: "strategy",
  name: "round-robin",
  description: "In turn, each target as often as its weight says.",
  options: z.strictObject({}),
  create: () => {
    let credits = new Map<string, number>();
    return {
      rank(targets) {
        const total = targets.reduce((sum, target) => sum + target.weight, 0);
        const present = new Map(targets.map(({ id, weight }) => [id, (credits.get(id) ?? 0) + weight]));
        const ranked = targets
          .map(({ id, weight }) => ({ id, score: present.get(id)!, weight }))
          .sort((left, right) =>
            Number(right.weight > 0) - Number(left.weight > 0) || right.score - left.score
          );
        const first = ranked[0];
        if (first !== undefined) present.set(first.id, first.score - total);
        credits = present;
        return ranked.map(({ id, score }) => ({ id, score }));
      },
    };
  },
});
