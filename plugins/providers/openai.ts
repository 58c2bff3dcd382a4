import { defineVendor } from "./openai-compatible/define-vendor.ts";

export default defineVendor({
  name: "openai",
  description: "OpenAI.",
  defaults: { base_url: "https://api.openai.com/v1", responses_api: true },
  apiKey: ["OPENAI_API_KEY"],
  priceId: "openai",
  baseUrl: "OPENAI_BASE_URL",
});
