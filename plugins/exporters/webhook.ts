import { createHmac } from "node:crypto";
import { definePlugin, type Exporter, type PluginHost } from "intellirouter/plugin";
import { z } from "zod";
import { post } from "./post.ts";

const optionsSchema = z.strictObject({
  url: z.url({ protocol: /^https?$/, error: "must be a URL of http or https" }).describe(
    "Where events are posted.",
  ),
});

/**
 * Posts batches of events, signed as Standard Webhooks describes (https://www.standardwebhooks.com), for which there are libraries in
 * every language. A batch that is sent again has the same `webhook-id`.
 */
export default definePlugin({
  apiVersion: 1,
  kind: "exporter",
  name: "webhook",
  description: "Posts events as JSON to an address of yours, signed.",
  secrets: ["signing_secret"],
  options: optionsSchema,
  create: ({ url }, host) => createExporter(url, host),
});

function createExporter(url: string, host: PluginHost): Exporter {
  const secret = host.secret("signing_secret");
  const key = secret === undefined ? undefined : keyOf(secret);
  if (key === undefined) {
    host.logger.warn("the webhook has no signing_secret: its receiver cannot tell who sends");
  }
  return {
    async export({ id, events }, signal) {
      const timestamp = String(Math.floor(host.now() / 1000));
      const body = JSON.stringify({ events });
      await post(host, url, {
        signal,
        body,
        headers: {
          "content-type": "application/json",
          "webhook-id": id,
          "webhook-timestamp": timestamp,
          ...(key === undefined ? {} : { "webhook-signature": sign(key, `${id}.${timestamp}.${body}`) }),
        },
      });
    },
  };
}

/** `whsec_` and base64, or any other text as it is. */
function keyOf(secret: string): Buffer {
  return secret.startsWith("whsec_")
    ? Buffer.from(secret.slice("whsec_".length), "base64")
    : Buffer.from(secret);
}

function sign(key: Buffer, content: string): string {
  return `v1,${createHmac("sha256", key).update(content).digest("base64")}`;
}
