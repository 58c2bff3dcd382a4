import { definePlugin } from "intellirouter/plugin";
import { createAnthropic } from "./create-provider.ts";
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
  create: createAnthropic,
});
