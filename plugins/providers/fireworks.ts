import { defineVendor } from "./openai-compatible/define-vendor.ts";

export default defineVendor({
  name: "fireworks",
  description: "Fireworks AI.",
  defaults: { base_url: "https://api.fireworks.ai/inference/v1", max_tokens_field: "max_tokens" },
  apiKey: ["FIREWORKS_API_KEY"],
  priceId: "fireworks",
});
