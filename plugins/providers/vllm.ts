import { defineVendor } from "./openai-compatible/define-vendor.ts";

export default defineVendor({
  name: "vllm",
  description: "A vLLM server.",
  defaults: { base_url: "http://127.0.0.1:8000/v1" },
  local: {
    ports: [8000],
    path: "/v1/models",
    recognise: ({ status, text }) => status === 200 && /"owned_by"\s*:\s*"vllm"/.test(text),
  },
});
