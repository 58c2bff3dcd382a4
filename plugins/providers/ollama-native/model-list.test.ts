import { expect, test } from "bun:test";
import { describeModel, modelNames } from "./model-list.ts";

const show = {
  parameters: 'stop "<|im_end|>"\nnum_ctx                        16384\ntemperature 0.6',
  details: { family: "qwen3", parameter_size: "8.2B" },
  model_info: { "general.architecture": "qwen3", "qwen3.context_length": 40_960, "qwen3.block_count": 36 },
  capabilities: ["completion", "tools", "thinking"],
};

test("models are what the server says that they can do", () => {
  expect(describeModel("qwen3:8b", show, undefined)).toEqual({
    id: "qwen3:8b",
    ownedBy: "library",
    contextLength: 16_384,
    chat: true,
    embeddings: false,
    tools: true,
    vision: false,
    jsonSchema: true,
  });
  const embedder = {
    model_info: { "general.architecture": "bert", "bert.context_length": 512 },
    capabilities: ["embedding"],
  };
  expect(describeModel("all-minilm", embedder, undefined)).toMatchObject({
    contextLength: 512,
    chat: false,
    embeddings: true,
  });
});

test("the context is the configured one, and no longer than the model's", () => {
  expect(describeModel("m", show, 8_192).contextLength).toBe(8_192);
  expect(describeModel("m", show, 100_000).contextLength).toBe(40_960);
  expect(describeModel("m", { ...show, parameters: "" }, undefined).contextLength).toBe(40_960);
});

test("of an old server only the names are known", () => {
  expect(modelNames({ models: [{ name: "llama3:latest", model: "llama3:latest" }, { name: "old" }, {}] }))
    .toEqual([
      "llama3:latest",
      "old",
    ]);
  expect(describeModel("old", {}, undefined)).toEqual({ id: "old", ownedBy: "library" });
  expect(() => modelNames({})).toThrow("no list");
});
