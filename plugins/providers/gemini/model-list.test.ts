import { expect, test } from "bun:test";
import { describeModels, listGeminiModels } from "./model-list.ts";

const flash = {
  name: "models/gemini-3-flash-preview",
  version: "3",
  displayName: "Gemini 3 Flash",
  inputTokenLimit: 1_048_576,
  outputTokenLimit: 65_536,
  supportedGenerationMethods: ["generateContent", "countTokens"],
  thinking: true,
};

test("models have limits, and what they are for", () => {
  const embedder = {
    name: "models/gemini-embedding-001",
    inputTokenLimit: 2048,
    outputTokenLimit: 1,
    supportedGenerationMethods: ["embedContent"],
  };
  expect(describeModels({ models: [flash, embedder, { name: "" }] })).toEqual([
    {
      id: "gemini-3-flash-preview",
      ownedBy: "google",
      contextLength: 1_048_576,
      maxOutputTokens: 65_536,
      chat: true,
      embeddings: false,
      tools: true,
      vision: true,
      jsonSchema: true,
    },
    {
      id: "gemini-embedding-001",
      ownedBy: "google",
      contextLength: 2048,
      maxOutputTokens: 1,
      chat: false,
      embeddings: true,
    },
  ]);
  expect(() => describeModels({})).toThrow("no list");
});

test("all pages are asked for, and no more than ten", async () => {
  const context = { requestId: "r", signal: new AbortController().signal };
  const asked: string[] = [];
  const models = await listGeminiModels("https://h/models", (url) => {
    asked.push(url);
    return Promise.resolve({ models: [flash], nextPageToken: asked.length < 2 ? "a/b" : "" });
  }, context);
  expect(asked).toEqual(["https://h/models?pageSize=200", "https://h/models?pageSize=200&pageToken=a%2Fb"]);
  expect(models).toHaveLength(2);
  asked.length = 0;
  await listGeminiModels("https://h/models", (url) => {
    asked.push(url);
    return Promise.resolve({ models: [], nextPageToken: "again" });
  }, context);
  expect(asked).toHaveLength(10);
});
