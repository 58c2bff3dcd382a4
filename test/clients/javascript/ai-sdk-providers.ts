import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import type { AiSdkProvider } from "./ai-sdk.ts";

export const aiSdkOpenAi: AiSdkProvider = {
  name: "@ai-sdk/openai",
  model: (origin, apiKey, id) => createOpenAI({ baseURL: `${origin}/v1`, apiKey }).chat(id),
  embedding: (origin, apiKey, id) => createOpenAI({ baseURL: `${origin}/v1`, apiKey }).embedding(id),
  showsReasoning: false,
};

const compatible = (origin: string, apiKey: string) =>
  createOpenAICompatible({
    name: "gateway",
    baseURL: `${origin}/v1`,
    apiKey,
    includeUsage: true,
    supportsStructuredOutputs: true,
  });

export const aiSdkCompatible: AiSdkProvider = {
  name: "@ai-sdk/openai-compatible",
  model: (origin, key, id) => compatible(origin, key)(id),
  embedding: (origin, key, id) => compatible(origin, key).embeddingModel(id),
  showsReasoning: true,
};

export const aiSdkAnthropic: AiSdkProvider = {
  name: "@ai-sdk/anthropic",
  model: (origin, apiKey, id) => createAnthropic({ baseURL: `${origin}/v1`, apiKey })(id),
  showsReasoning: true,
  structured: { anthropic: { structuredOutputMode: "outputFormat" } },
};
