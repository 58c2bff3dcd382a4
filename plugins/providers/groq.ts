import { defineVendor } from "./openai-compatible/define-vendor.ts";

export default defineVendor({
  name: "groq",
  description: "Groq.",
  defaults: {
    base_url: "https://api.groq.com/openai/v1",
    drop_fields: ["service_tier"],
    forward: ["/audio/speech", "/audio/transcriptions", "/audio/translations"],
  },
  apiKey: ["GROQ_API_KEY"],
  priceId: "groq",
});
