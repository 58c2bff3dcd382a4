import { defineVendor } from "./openai-compatible/define-vendor.ts";

export default defineVendor({
  name: "openrouter",
  description: "OpenRouter.",
  defaults: { base_url: "https://openrouter.ai/api/v1", reasoning_replay: "details", cache_marks: true },
  apiKey: ["OPENROUTER_API_KEY"],
  priceId: "openrouter",
});
