import { expect, test } from "bun:test";
import { UpstreamError } from "intellirouter/plugin";
import { describeModels, listAnthropicModels } from "./model-list.ts";

const context = { requestId: "r", signal: new AbortController().signal };

test("what the API tells of a model is known; those that are gone are not listed", () => {
  const page = {
    data: [
      {
        type: "model",
        id: "claude-opus-5-5",
        created_at: "2026-10-01T00:00:00Z",
        lifecycle: "active",
        max_input_tokens: 1_000_000,
        max_tokens: 128_000,
        capabilities: { image_input: { supported: true } },
      },
      { id: "claude-2", lifecycle: "retired" },
      { id: "claude-odd", created_at: "1970-01-01T00:00:00Z", max_tokens: null, capabilities: null },
      { id: "" },
      null,
    ],
  };
  const known = { ownedBy: "anthropic", chat: true, embeddings: false, tools: true, jsonSchema: true };
  expect(describeModels(page)).toEqual([
    {
      id: "claude-opus-5-5",
      ...known,
      created: 1_790_812_800,
      contextLength: 1_000_000,
      maxOutputTokens: 128_000,
      vision: true,
    },
    { id: "claude-odd", ...known },
  ]);
  expect(() => describeModels({})).toThrow(UpstreamError);
});

test("pages are followed, and not for ever", async () => {
  const asked: string[] = [];
  const models = await listAnthropicModels("https://h/v1/models", (url) => {
    asked.push(url);
    return Promise.resolve({ data: [{ id: `m${asked.length}` }], has_more: true, last_id: "a/b" });
  }, context);
  expect(asked.slice(0, 2)).toEqual([
    "https://h/v1/models?limit=1000",
    "https://h/v1/models?limit=1000&after_id=a%2Fb",
  ]);
  expect(models.length).toBe(asked.length);
  expect(asked.length).toBe(10);
});
