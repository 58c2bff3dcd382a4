import { definePlugin } from "intellirouter/plugin";
import { mistralOptions } from "./options.ts";

export default definePlugin({
  apiVersion: 1,
  kind: "provider",
  name: "mistral",
  description: "Mistral AI.",
  options: mistralOptions,
  discovery: { environment: { secrets: { api_key: ["MISTRAL_API_KEY"] } } },
  priceId: "mistral",
  async create(options, host) {
    // Loaded only where it is used: a gateway with one backend has no use for the translations of all others.
    const { createMistral } = await import("./create-provider.ts");
    return createMistral(options, host);
  },
});
