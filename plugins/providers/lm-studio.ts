import { defineVendor } from "./openai-compatible/define-vendor.ts";

export default defineVendor({
  name: "lm-studio",
  description: "LM Studio's local server.",
  defaults: { base_url: "http://127.0.0.1:1234/v1" },
  local: {
    ports: [1234],
    path: "/api/v0/models",
    recognise: ({ status, text }) => status === 200 && /"object"\s*:\s*"list"/.test(text),
  },
});
