import { defineVendor } from "./openai-compatible/define-vendor.ts";

export default defineVendor({
  name: "ollama",
  description: "Ollama, through its OpenAI-compatible endpoint.",
  defaults: { base_url: "http://127.0.0.1:11434/v1" },
  local: {
    ports: [11434],
    path: "/api/version",
    recognise: ({ status, text }) => status === 200 && /^\s*\{\s*"version"\s*:\s*"[^"]+"\s*\}\s*$/.test(text),
  },
});
