import { defineVendor } from "./openai-compatible/define-vendor.ts";

export default defineVendor({
  name: "xai",
  description: "xAI.",
  defaults: { base_url: "https://api.x.ai/v1" },
  apiKey: ["XAI_API_KEY"],
  priceId: "x-ai",
});
