import { describe, expect, test } from "bun:test";
import memoryStore from "../../../test/support/memory-store.ts";
import type { CallContext, Provider } from "../../plugin/api/provider.ts";
import type { ChatCompletionChunk, ChatCompletionRequest } from "../../schema/chat-completion.ts";
import { ReasoningMemory } from "./reasoning-memory.ts";
import { replayReasoning } from "./replay-reasoning.ts";

const context = (tenant = "default"): CallContext => ({
  requestId: "r",
  signal: new AbortController().signal,
  reportLoss: () => {},
  tenant,
});

const call = { id: "call_1", type: "function", function: { name: "weather", arguments: "{}" } };
const question: ChatCompletionRequest = { model: "m", messages: [{ role: "user", content: "Weather?" }] };
/** What a client sends that keeps only the fields it knows. */
const nextTurn: ChatCompletionRequest = {
  model: "m",
  messages: [
    ...question.messages,
    { role: "assistant", content: null, tool_calls: [call] },
    { role: "tool", tool_call_id: "call_1", content: "rain" },
  ],
};

function setUp(replay: "details" | "text" | undefined, message: object, deltas: readonly object[] = []) {
  const asked: ChatCompletionRequest[] = [];
  const provider: Provider = {
    ...(replay === undefined ? {} : { reasoningReplay: replay }),
    chat: {
      complete(request) {
        asked.push(request);
        return Promise.resolve({
          body: { choices: [{ index: 0, message, finish_reason: "tool_calls" }] } as never,
        });
      },
      stream(request) {
        asked.push(request);
        const frames = (async function* () {
          for (const delta of deltas) {
            yield [{ chunk: { choices: [{ index: 0, delta }] } as unknown as ChatCompletionChunk }];
          }
        })();
        return Promise.resolve({ frames });
      },
    },
  };
  const errors: unknown[] = [];
  const memory = new ReasoningMemory(memoryStore(), (error) => errors.push(error));
  return { chat: replayReasoning("p", provider, memory).chat!, asked, errors };
}

const details = [{ type: "reasoning.text", text: "Let me look.", signature: "sig", index: 0 }];

describe("reasoning that a client does not send back", () => {
  test("is restored before the tool calls that it led to", async () => {
    const { chat, asked } = setUp("details", {
      content: null,
      tool_calls: [call],
      reasoning_details: details,
    });
    await chat.complete(question, context());
    await chat.complete(nextTurn, context());
    expect(asked[1]!.messages[1]).toMatchObject({ reasoning_details: details, tool_calls: [call] });
    expect(nextTurn.messages[1]).not.toHaveProperty("reasoning_details");
  });

  test("is gathered from the pieces of a stream", async () => {
    const { chat, asked } = setUp("details", {}, [
      { role: "assistant", reasoning_details: [{ type: "reasoning.text", text: "Let me ", index: 0 }] },
      { reasoning_details: [{ type: "reasoning.text", text: "look.", index: 0 }] },
      { reasoning_details: [{ type: "reasoning.text", signature: "sig", index: 0 }] },
      { tool_calls: [{ index: 0, ...call, extra_content: { google: { thought_signature: "g" } } }] },
    ]);
    const { frames } = await chat.stream(question, context());
    for await (const _batch of frames);
    await chat.stream(nextTurn, context());
    expect(asked[1]!.messages[1]).toMatchObject({
      reasoning_details: details,
      tool_calls: [{ id: "call_1", extra_content: { google: { thought_signature: "g" } } }],
    });
  });

  test("is given as text to backends that want text", async () => {
    const { chat, asked } = setUp("text", { content: null, tool_calls: [call], reasoning_content: "Hm." });
    await chat.complete(question, context());
    await chat.complete(nextTurn, context());
    expect(asked[1]!.messages[1]).toMatchObject({ reasoning_content: "Hm." });
  });

  test("is another tenant's secret", async () => {
    const { chat, asked } = setUp("details", {
      content: null,
      tool_calls: [call],
      reasoning_details: details,
    });
    await chat.complete(question, context("one"));
    await chat.complete(nextTurn, context("two"));
    expect(asked[1]).toBe(nextTurn);
  });

  test("is another conversation's secret, also where a backend numbers its calls from 0 in each", async () => {
    const { chat, asked } = setUp("details", {
      content: null,
      tool_calls: [call],
      reasoning_details: details,
    });
    await chat.complete(question, context());
    const another: ChatCompletionRequest = {
      ...nextTurn,
      messages: [{ role: "user", content: "Something else?" }, ...nextTurn.messages.slice(1)],
    };
    const otherInput = structuredClone(nextTurn);
    otherInput.messages[1]!.tool_calls![0]!.function!.arguments = '{"city":"Rome"}';
    for (const request of [another, otherInput]) {
      await chat.complete(request, context());
      expect(asked.at(-1)).toBe(request);
    }
  });

  test("is found again when a client writes the arguments anew", async () => {
    const { chat, asked } = setUp("details", {
      content: null,
      tool_calls: [call],
      reasoning_details: details,
    });
    await chat.complete(question, context());
    const spaced = structuredClone(nextTurn);
    spaced.messages[1]!.tool_calls![0]!.function!.arguments = "{ }";
    await chat.complete(spaced, context());
    expect(asked.at(-1)!.messages[1]).toMatchObject({ reasoning_details: details });
  });

  test("gives way to what the client does send", async () => {
    const { chat, asked } = setUp("details", {
      content: null,
      tool_calls: [call],
      reasoning_details: details,
    });
    await chat.complete(question, context());
    const own = structuredClone(nextTurn);
    own.messages[1]!.reasoning_details = [{ type: "reasoning.text", text: "mine", index: 0 }];
    await chat.complete(own, context());
    expect(asked[1]).toBe(own);
  });
});

test("a provider that takes no reasoning back is left as it is", () => {
  const provider: Provider = { chat: { complete: () => Promise.reject(), stream: () => Promise.reject() } };
  const memory = new ReasoningMemory(memoryStore(), () => {});
  expect(replayReasoning("p", provider, memory)).toBe(provider);
});

test("a store that fails does not fail the request", async () => {
  const failing = {
    ...memoryStore(),
    get: () => Promise.reject(new Error("down")),
    set: () => Promise.reject(new Error("down")),
  };
  const errors: unknown[] = [];
  const memory = new ReasoningMemory(failing, (error) => errors.push(error));
  const turn = { tenant: "t", provider: "p", before: undefined, calls: [call] };
  await memory.remember(turn, { reasoning_content: "x" });
  expect(await memory.recall(turn)).toBeUndefined();
  expect(errors).toHaveLength(2);
});
