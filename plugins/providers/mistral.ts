import { defineVendor } from "./openai-compatible/define-vendor.ts";

export default defineVendor({
  name: "mistral",
  description: "Mistral AI. Refuses fields that it does not know.",
  defaults: {
    base_url: "https://api.mistral.ai/v1",
    stream_usage: false,
    max_tokens_field: "max_tokens",
    drop_fields: ["user", "store", "metadata", "service_tier", "logit_bias", "seed"],
  },
  apiKey: ["MISTRAL_API_KEY"],
  priceId: "mistral",
});
