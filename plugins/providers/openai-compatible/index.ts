import { definePlugin } from "intellirouter/plugin";
import { createOpenAiCompatible } from "./create-provider.ts";
import { openAiCompatibleOptions } from "./options.ts";

export default definePlugin({
  apiVersion: 1,
  kind: "provider",
  name: "openai-compatible",
  description: "Any server that speaks the OpenAI protocol.",
  options: openAiCompatibleOptions,
  create: createOpenAiCompatible,
});
