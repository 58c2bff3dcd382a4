import { describe, expect, test } from "bun:test";
import { ApiError } from "../lib/api-error.ts";
import { chatCompletionRequestSchema } from "../schema/chat-completion.ts";
import { embeddingRequestSchema } from "../schema/embedding.ts";
import { validate } from "./validate.ts";

const good = { model: "m", messages: [{ role: "user", content: "hi" }] };

function refusal(value: unknown): ApiError {
  try {
    validate(chatCompletionRequestSchema, value);
  } catch (error) {
    if (error instanceof ApiError) return error;
  }
  throw new Error("was not refused");
}

test("a valid request is handed back itself, unknown fields included", () => {
  const request = {
    ...good,
    guided_json: { x: 1 },
    messages: [{ ...good.messages[0], cache_control: { type: "ephemeral" } }],
  };
  expect(validate(chatCompletionRequestSchema, request)).toBe(request as never);
});

describe("a refusal names the field", () => {
  for (
    const [name, value, param, code] of [
      ["that is missing", { messages: good.messages }, "model", "missing_required_parameter"],
      ["that is missing in a list", { ...good, messages: [{ content: "x" }] }, "messages[0].role", undefined],
      ["of the wrong type", { ...good, temperature: "hot" }, "temperature", "invalid_type"],
      ["out of range", { ...good, temperature: 3 }, "temperature", "invalid_value"],
      [
        "with a foreign word",
        { ...good, messages: [{ role: "robot", content: "x" }] },
        "messages[0].role",
        "invalid_value",
      ],
      [
        "deep in a union",
        { ...good, messages: [{ role: "user", content: [{ text: "x" }] }] },
        "messages[0].content[0].type",
        undefined,
      ],
      ["that is empty", { ...good, messages: [] }, "messages", "invalid_value"],
      ["that is no list", { ...good, messages: "hi" }, "messages", "invalid_type"],
      [
        "of a tool call",
        {
          ...good,
          messages: [{
            role: "assistant",
            tool_calls: [{ id: 1, function: { name: "f", arguments: "{}" } }],
          }],
        },
        "messages[0].tool_calls[0].id",
        "invalid_type",
      ],
    ] as const
  ) {
    test(name, () => {
      const error = refusal(value);
      expect([error.status, error.param]).toEqual([400, param]);
      if (code !== undefined) expect(error.code).toBe(code);
      expect(error.message).toContain(param);
    });
  }
});

test("a body that is no object is refused", () => {
  for (const value of [null, 1, "x", [], true]) expect(refusal(value).status).toBe(400);
});

test("every form of embedding input is accepted, mixed ones are not", () => {
  for (const input of ["text", ["a", "b"], [1, 2], [[1], [2, 3]]]) {
    expect(validate(embeddingRequestSchema, { model: "m", input })).toBeDefined();
  }
  expect(() => validate(embeddingRequestSchema, { model: "m", input: ["a", 1] })).toThrow(ApiError);
});
