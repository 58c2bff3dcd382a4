import { defineVendor } from "./openai-compatible/define-vendor.ts";

export default defineVendor({
  name: "deepseek",
  description: "DeepSeek.",
  defaults: {
    base_url: "https://api.deepseek.com/v1",
    max_tokens_field: "max_tokens",
    reasoning_replay: "text",
  },
  apiKey: ["DEEPSEEK_API_KEY"],
  priceId: "deepseek",
});
