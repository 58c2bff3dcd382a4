import { definePlugin } from "intellirouter/plugin";
import { vertexOptions, vertexVariables } from "./options.ts";

export default definePlugin({
  apiVersion: 1,
  kind: "provider",
  name: "vertex",
  description: "Google's Gemini models, by Vertex AI.",
  options: vertexOptions,
  secrets: ["credentials", "access_token", "api_key"],
  variables: vertexVariables,
  // Not by a file of credentials alone: many machines have one that is meant for something else.
  discovery: {
    environment: {
      secrets: { credentials: ["GOOGLE_APPLICATION_CREDENTIALS_JSON"] },
      options: { project: ["GOOGLE_CLOUD_PROJECT"], location: ["GOOGLE_CLOUD_LOCATION"] },
      needs: [["credentials"], ["location", "project"]],
    },
  },
  priceId: "google",
  async create(options, host) {
    // Loaded only where it is used: a gateway with one backend has no use for the translations of all others.
    const { createVertex } = await import("./create-provider.ts");
    return createVertex(options, host);
  },
});
