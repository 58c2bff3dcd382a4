import { definePlugin } from "intellirouter/plugin";
import { geminiOptions } from "./options.ts";

export default definePlugin({
  apiVersion: 1,
  kind: "provider",
  name: "gemini",
  description: "Google's Gemini models, by the Gemini API.",
  options: geminiOptions,
  discovery: {
    environment: {
      secrets: { api_key: ["GEMINI_API_KEY", "GOOGLE_API_KEY"] },
      options: { base_url: ["GEMINI_BASE_URL"] },
    },
  },
  priceId: "google",
  async create(options, host) {
    // Loaded only where it is used: a gateway with one backend has no use for the translations of all others.
    const { createGemini } = await import("./create-provider.ts");
    return createGemini(options, host);
  },
});
