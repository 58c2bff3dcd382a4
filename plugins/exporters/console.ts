import { definePlugin } from "intellirouter/plugin";
import { z } from "zod";

/** For a look at what exporters are given. */
export default definePlugin({
  apiVersion: 1,
  kind: "exporter",
  name: "console",
  description: "Writes every event into the gateway's own log.",
  options: z.strictObject({}),
  create: (_options, { logger }) => ({
    export: ({ events }) => {
      for (const event of events) logger.info("telemetry", { event });
      return Promise.resolve();
    },
  }),
});
