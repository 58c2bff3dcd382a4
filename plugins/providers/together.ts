import { defineVendor } from "./openai-compatible/define-vendor.ts";

export default defineVendor({
  name: "together",
  description: "Together AI.",
  defaults: { base_url: "https://api.together.xyz/v1", max_tokens_field: "max_tokens" },
  apiKey: ["TOGETHER_API_KEY"],
  priceId: "together",
});
