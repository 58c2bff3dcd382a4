import { defineVendor } from "./openai-compatible/define-vendor.ts";
import { forwardPaths } from "./openai-compatible/options.ts";

export default defineVendor({
  name: "openai",
  description: "OpenAI.",
  defaults: { base_url: "https://api.openai.com/v1", responses_api: true, forward: [...forwardPaths] },
  apiKey: ["OPENAI_API_KEY"],
  priceId: "openai",
  baseUrl: "OPENAI_BASE_URL",
});
