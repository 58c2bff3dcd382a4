import { defineVendor } from "./openai-compatible/define-vendor.ts";

export default defineVendor({
  name: "llama-cpp",
  description: "A llama.cpp server.",
  defaults: { base_url: "http://127.0.0.1:8080/v1" },
  local: {
    ports: [8080],
    path: "/v1/models",
    recognise: ({ status, text }) => status === 200 && /"owned_by"\s*:\s*"llamacpp"/.test(text),
  },
});
