import { definePlugin } from "intellirouter/plugin";
import { ollamaOptions } from "./options.ts";

export default definePlugin({
  apiVersion: 1,
  kind: "provider",
  name: "ollama-native",
  description: "Ollama, by its own API: sets contexts, and knows what its models can do.",
  options: ollamaOptions,
  async create(options, host) {
    // Loaded only where it is used: a gateway with one backend has no use for the translations of all others.
    const { createOllama } = await import("./create-provider.ts");
    return createOllama(options, host);
  },
});
