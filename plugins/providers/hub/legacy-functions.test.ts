import { expect, test } from "bun:test";
import type { CallContext, ChatCapability, ChatCompletionRequest } from "intellirouter/plugin";
import { deltaChunk } from "./chunks.ts";
import { withLegacyFunctions } from "./legacy-functions.ts";

const context: CallContext = {
  requestId: "r",
  tenant: "t",
  signal: new AbortController().signal,
  reportLoss: () => {},
};
const head = { id: "a", model: "m", created: 1 };
const call = { id: "c", type: "function", function: { name: "f", arguments: "{}" } };

function backend() {
  const seen: ChatCompletionRequest[] = [];
  const chat: ChatCapability = {
    complete(request) {
      seen.push(request);
      return Promise.resolve({
        body: {
          ...head,
          object: "chat.completion",
          choices: [{
            index: 0,
            message: { role: "assistant", content: null, tool_calls: [call] },
            finish_reason: "tool_calls",
          }],
        },
      });
    },
    stream(request) {
      seen.push(request);
      const chunks = [
        deltaChunk(head, { tool_calls: [{ index: 0, ...call, function: { name: "f", arguments: "" } }] }),
        deltaChunk(head, { tool_calls: [{ index: 0, function: { arguments: "{}" } }] }),
        deltaChunk(head, {}, "tool_calls"),
      ];
      return Promise.resolve({
        frames: (async function* () {
          yield await Promise.resolve(chunks.map((chunk) => ({ chunk })));
        })(),
      });
    },
  };
  return { chat: withLegacyFunctions(chat), seen };
}

const messages = [{ role: "user" as const, content: "x" }];

test("who asks in the new form is answered in it", async () => {
  const { chat, seen } = backend();
  const request = { model: "m", messages, tools: [{ type: "function", function: { name: "f" } }] };
  const { body } = await chat.complete(request, context);
  expect(seen).toEqual([request]);
  expect(body.choices[0]!.finish_reason).toBe("tool_calls");
});

test("functions go as tools, one call at a time, and the answer is in the first form", async () => {
  const { chat, seen } = backend();
  const { body } = await chat.complete(
    { model: "m", messages, functions: [{ name: "f" }], function_call: { name: "f" } },
    context,
  );
  expect(seen[0]).toEqual({
    model: "m",
    messages,
    tools: [{ type: "function", function: { name: "f" } }],
    parallel_tool_calls: false,
    tool_choice: { type: "function", function: { name: "f" } },
  });
  expect(body.choices[0]).toMatchObject({
    message: { content: null, function_call: { name: "f", arguments: "{}" } },
    finish_reason: "function_call",
  });
  expect(body.choices[0]!.message.tool_calls).toBeUndefined();
});

test("so are the pieces of a stream", async () => {
  const { chat } = backend();
  const { frames } = await chat.stream({ model: "m", messages, functions: [{ name: "f" }] }, context);
  const choices = [];
  for await (const batch of frames) choices.push(...batch.map(({ chunk }) => chunk.choices[0]!));
  expect(choices.map(({ delta, finish_reason: finish }) => [delta, finish]) as unknown).toEqual([
    [{ function_call: { name: "f", arguments: "" } }, null],
    [{ function_call: { arguments: "{}" } }, null],
    [{}, "function_call"],
  ]);
});

test("earlier calls and their results belong together", async () => {
  const { chat, seen } = backend();
  await chat.complete({
    model: "m",
    messages: [
      ...messages,
      { role: "assistant", content: null, function_call: { name: "f", arguments: '{"a":1}' } },
      { role: "function", name: "f", content: "done" },
    ],
  }, context);
  expect(seen[0]!.messages.slice(1) as unknown).toEqual([
    {
      role: "assistant",
      content: null,
      tool_calls: [{ id: "call_1", type: "function", function: { name: "f", arguments: '{"a":1}' } }],
    },
    { role: "tool", tool_call_id: "call_1", content: "done" },
  ]);
});
