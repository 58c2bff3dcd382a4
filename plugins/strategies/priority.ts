import { definePlugin } from "intellirouter/plugin";
import { z } from "zod";

export default definePlugin({
  apiVersion: 1,
  kind: "strategy",
  name: "priority",
  description: "The targets in the order of the configuration: the first that is healthy serves.",
  options: z.strictObject({}),
  create: () => ({ rank: (targets) => targets.map(({ id }) => ({ id })) }),
});
