import { expect, test } from "bun:test";
import { UpstreamError } from "intellirouter/plugin";
import { describeModels } from "./model-list.ts";

const one = (entry: object) => describeModels({ data: [{ id: "m", ...entry }] })[0];

test("what servers tell of their models is known, whatever they call it", () => {
  for (
    const [entry, known] of [
      [{ created: 7, owned_by: "o" }, { created: 7, ownedBy: "o" }],
      [{ context_length: 10 }, { contextLength: 10 }],
      [{ context_window: 10, max_completion_tokens: 5 }, { contextLength: 10, maxOutputTokens: 5 }],
      [{ max_model_len: 10 }, { contextLength: 10 }],
      [{ max_context_length: 10, type: "llm" }, { contextLength: 10, embeddings: false }],
      [{ meta: { n_ctx_train: 10 } }, { contextLength: 10 }],
      [{ context_length: 10, top_provider: { max_completion_tokens: 5 } }, {
        contextLength: 10,
        maxOutputTokens: 5,
      }],
      [{ type: "embeddings" }, { chat: false, embeddings: true }],
      [{ type: "vlm" }, { embeddings: false, vision: true }],
      [{ capabilities: { completion_chat: false } }, { chat: false }],
      [{ capabilities: { function_calling: true, vision: false } }, { tools: true, vision: false }],
      [
        {
          supported_parameters: ["tools", "structured_outputs"],
          architecture: { input_modalities: ["text", "image"] },
        },
        { tools: true, jsonSchema: true, vision: true },
      ],
      [
        { supported_parameters: ["max_tokens"], architecture: { input_modalities: ["text"] } },
        { tools: false, jsonSchema: false, vision: false },
      ],
    ] as const
  ) {
    expect([entry, one(entry)]).toEqual([entry, { id: "m", ...known }]);
  }
});

test("what makes no sense is not known", () => {
  const odd = {
    created: "now",
    owned_by: 3,
    context_length: "long",
    max_completion_tokens: -1,
    meta: null,
    top_provider: null,
    capabilities: null,
    architecture: null,
    supported_parameters: null,
    type: 7,
  };
  expect(one(odd)).toEqual({ id: "m" });
});

test("a bare list is a list, entries without id are none, and anything else is refused", () => {
  expect(describeModels([{ id: "a" }, { id: "" }, {}, null])).toEqual([{ id: "a" }]);
  for (const given of [null, {}, { data: {} }, "models"]) {
    expect(() => describeModels(given)).toThrow(UpstreamError);
  }
});
