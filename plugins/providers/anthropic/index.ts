import { definePlugin } from "intellirouter/plugin";
import { anthropicOptions } from "./options.ts";

export default definePlugin({
  apiVersion: 1,
  kind: "provider",
  name: "anthropic",
  description: "Anthropic's Claude models, by its Messages API.",
  options: anthropicOptions,
  discovery: {
    environment: {
      secrets: { api_key: ["ANTHROPIC_API_KEY"] },
      options: { base_url: ["ANTHROPIC_BASE_URL"] },
    },
  },
  priceId: "anthropic",
  async create(options, host) {
    // Loaded only where it is used: a gateway with one backend has no use for the translations of all others.
    const { createAnthropic } = await import("./create-provider.ts");
    return createAnthropic(options, host);
  },
});
