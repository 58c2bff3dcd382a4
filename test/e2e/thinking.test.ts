/**
 * Tool loops with thinking: the backend refuses the second turn unless it gets back what it thought in the first, signature and all.
 * Played with real clients against the executable, whole and in pieces.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { type Gateway, startGateway } from "./support/gateway.ts";
import { startBedrock, startClaude, startGemini, stepByStep } from "../support/thinking-backends.ts";

const claude = startClaude();
const gemini = startGemini();
const bedrock = startBedrock();
let gateway: Gateway;
let openai: OpenAI;
let anthropic: Anthropic;

beforeAll(async () => {
  gateway = await startGateway({
    config: `
[[providers]]
name = "claude"
kind = "anthropic"
base_url = "${claude.origin}"
api_key = "backend-key"
list_models = false
[[providers]]
name = "gemini"
kind = "gemini"
base_url = "${gemini.origin}/v1beta"
api_key = "backend-key"
list_models = false
[[providers]]
name = "bedrock"
kind = "bedrock"
base_url = "${bedrock.origin}"
api_key = "backend-key"
list_models = false
`,
  });
  openai = new OpenAI({ baseURL: `${gateway.origin}/v1`, apiKey: "none", maxRetries: 0 });
  anthropic = new Anthropic({ baseURL: gateway.origin, apiKey: "none", maxRetries: 0 });
});
afterAll(async () => {
  await gateway.stop();
  for (const backend of [claude, gemini, bedrock]) backend.stop();
});

const question = { role: "user" as const, content: "Weather in Oslo?" };
const chatTools = [{
  type: "function" as const,
  function: {
    name: "weather",
    description: "w",
    parameters: { type: "object", properties: { city: { type: "string" } } },
  },
}];

const models = [
  "claude/claude-sonnet-4-5",
  "gemini/gemini-3-pro-preview",
  "bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
];

describe.each(models)("an OpenAI client and %s", (model) => {
  const ask = (messages: OpenAI.ChatCompletionMessageParam[]) => ({
    model,
    messages,
    tools: chatTools,
    reasoning_effort: "high" as const,
    max_completion_tokens: 20_000,
  });
  const results = (calls: readonly { id: string }[]) =>
    calls.map(({ id }) => ({ role: "tool" as const, tool_call_id: id, content: "rain" }));

  test("that sends back all that it got", async () => {
    const { message } = (await openai.chat.completions.create(ask([question]))).choices[0]!;
    expect((message as { reasoning_content?: string }).reasoning_content).toBe("Let me look.");
    const second = await openai.chat.completions.create(
      ask([question, message, ...results(message.tool_calls!)]),
    );
    expect(second.choices[0]!.message.content).toBe("Rain.");
  });

  test("that drops every field it does not know", async () => {
    const { message } = (await openai.chat.completions.create(ask([question]))).choices[0]!;
    const known = { role: "assistant" as const, content: message.content, tool_calls: message.tool_calls! };
    const second = await openai.chat.completions.create(
      ask([question, known, ...results(message.tool_calls!)]),
    );
    expect(second.choices[0]!.message.content).toBe("Rain.");
  });

  test("that streams, and drops every field it does not know", async () => {
    const message =
      (await openai.chat.completions.stream(ask([question])).finalChatCompletion()).choices[0]!.message;
    const calls = message.tool_calls!.filter((call) => call.type === "function")
      .map(({ id, type, function: { name, arguments: text } }) => ({
        id,
        type,
        function: { name, arguments: text },
      }));
    expect(calls.map(({ function: called }) => JSON.parse(called.arguments))).toEqual([{ city: "Oslo" }, {
      city: "Rome",
    }]);
    const known = { role: "assistant" as const, content: message.content, tool_calls: calls };
    const second = await openai.chat.completions.stream(ask([question, known, ...results(calls)]))
      .finalChatCompletion();
    expect(second.choices[0]!.message.content).toBe("Rain.");
  });
});

/** The backends compare every block of the turn with what they sent, in its place. */
describe.each(models.filter((model) => model.includes("claude")))(
  "thinking between the steps of %s",
  (model) => {
    const steps = { role: "user" as const, content: stepByStep };
    const results = (calls: readonly { id: string }[]) =>
      calls.map(({ id }) => ({ role: "tool" as const, tool_call_id: id, content: "rain" }));
    const base = {
      model,
      tools: chatTools,
      reasoning_effort: "high" as const,
      max_completion_tokens: 20_000,
    };
    const whole = async (messages: OpenAI.ChatCompletionMessageParam[]) =>
      (await openai.chat.completions.create({ ...base, messages })).choices[0]!.message;
    /** Joins pieces as clients do that keep reasoning_details: all of them, one after the other. */
    const streamed = async (messages: OpenAI.ChatCompletionMessageParam[]) => {
      const details: unknown[] = [];
      const stream = openai.chat.completions.stream({ ...base, messages });
      for await (const { choices } of stream) {
        const { reasoning_details: some } = (choices[0]?.delta ?? {}) as { reasoning_details?: unknown[] };
        details.push(...some ?? []);
      }
      const { content, tool_calls: calls } = (await stream.finalChatCompletion()).choices[0]!.message;
      return {
        role: "assistant" as const,
        content,
        ...(calls === undefined ? {} : { tool_calls: calls.map(withoutParsed) }),
        ...(details.length === 0 ? {} : { reasoning_details: details }),
      };
    };

    for (const [way, ask] of [["whole", whole], ["in pieces", streamed]] as const) {
      test(`is replayed in its places, ${way}`, async () => {
        const message = await ask([steps]);
        expect(message.content).toBe("First Oslo. Then Rome – 🌧.");
        const answer = await ask([steps, message as never, ...results(message.tool_calls!)]);
        expect(answer.content).toBe("Rain.");
      });

      test(`is replayed for a client that drops it, ${way}`, async () => {
        const { content, tool_calls: calls } = await ask([steps]);
        const known = { role: "assistant" as const, content, tool_calls: calls as never };
        expect((await ask([steps, known, ...results(calls!)])).content).toBe("Rain.");
      });
    }

    test("is replayed for an Anthropic client, whole and in pieces", async () => {
      const request = {
        model,
        max_tokens: 20_000,
        thinking: { type: "enabled" as const, budget_tokens: 10_000 },
        tools: [{ name: "weather", input_schema: { type: "object" as const } }],
      };
      for (
        const ask of [
          (messages: Anthropic.MessageParam[]) => anthropic.messages.create({ ...request, messages }),
          (messages: Anthropic.MessageParam[]) =>
            anthropic.messages.stream({ ...request, messages }).finalMessage(),
        ]
      ) {
        const first = await ask([steps]);
        expect(first.content.map(({ type }) => type)).toEqual([
          "thinking",
          "text",
          "thinking",
          "redacted_thinking",
          "text",
          "tool_use",
          "thinking",
          "tool_use",
        ]);
        const answers = first.content.filter((block) => block.type === "tool_use")
          .map(({ id }) => ({ type: "tool_result" as const, tool_use_id: id, content: "rain" }));
        const second = await ask([steps, { role: "assistant", content: first.content }, {
          role: "user",
          content: answers,
        }]);
        expect(second.content).toMatchObject([{ type: "text", text: "Rain." }]);
      }
    });

    test("is replayed by the Responses protocol, whole and in pieces", async () => {
      const tool = {
        type: "function" as const,
        name: "weather",
        strict: false,
        parameters: { type: "object" },
      };
      const request = {
        model,
        tools: [tool],
        reasoning: { effort: "high" as const },
        max_output_tokens: 20_000,
      };
      for (const stream of [false, true]) {
        const first = stream
          ? await openai.responses.stream({ ...request, input: stepByStep }).finalResponse()
          : await openai.responses.create({ ...request, input: stepByStep });
        expect(first.output.map(({ type }) => type)).toEqual([
          "reasoning",
          "message",
          "reasoning",
          "message",
          "function_call",
          "reasoning",
          "function_call",
        ]);
        const output: readonly OpenAI.Responses.ResponseOutputItem[] = first.output;
        const input = output.flatMap((item) =>
          item.type === "function_call"
            ? [{ type: "function_call_output" as const, call_id: item.call_id, output: "rain" }]
            : []
        );
        const second = await openai.responses.create({ ...request, previous_response_id: first.id, input });
        expect(second.output_text).toBe("Rain.");
      }
    });
  },
);

/** The client adds what it has read of the arguments, and sends it back with the rest. */
function withoutParsed(call: OpenAI.ChatCompletionMessageToolCall): OpenAI.ChatCompletionMessageToolCall {
  if (call.type !== "function") return call;
  const { id, type, function: { name, arguments: text } } = call;
  return { id, type, function: { name, arguments: text } };
}

describe("an Anthropic client and a Claude backend", () => {
  const base = {
    model: "claude/claude-sonnet-4-5",
    max_tokens: 20_000,
    thinking: { type: "enabled" as const, budget_tokens: 10_000 },
    tools: [{
      name: "weather",
      description: "w",
      input_schema: { type: "object" as const, properties: { city: { type: "string" } } },
    }],
  };
  const second = (first: Anthropic.Message): Anthropic.MessageParam[] => [
    question,
    { role: "assistant", content: first.content },
    {
      role: "user",
      content: first.content.filter((block) => block.type === "tool_use")
        .map(({ id }) => ({ type: "tool_result" as const, tool_use_id: id, content: "rain" })),
    },
  ];

  test("whole", async () => {
    const first = await anthropic.messages.create({ ...base, messages: [question] });
    const answer = await anthropic.messages.create({ ...base, messages: second(first) });
    expect(answer.content).toMatchObject([{ type: "text", text: "Rain." }]);
  });

  test("in pieces", async () => {
    const first = await anthropic.messages.stream({ ...base, messages: [question] }).finalMessage();
    const answer = await anthropic.messages.stream({ ...base, messages: second(first) }).finalMessage();
    expect(answer.content).toMatchObject([{ type: "text", text: "Rain." }]);
  });

  test("gets the bytes that the backend sent", async () => {
    const ask = (origin: string, model: string, stream: boolean) =>
      fetch(`${origin}/v1/messages`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "x-api-key": "backend-key",
          "anthropic-version": "2023-06-01",
        },
        body: JSON.stringify({ ...base, model, messages: [question], ...(stream ? { stream } : {}) }),
      }).then((response) => response.text());
    for (const stream of [false, true]) {
      const [through, direct] = await Promise.all([
        ask(gateway.origin, base.model, stream),
        ask(claude.origin, "claude-sonnet-4-5", stream),
      ]);
      expect(through).toBe(direct);
    }
  });

  test("and the backend gets the bytes that the client sent, in both turns", async () => {
    const head = '"max_tokens": 20000,"temperature": 1.0 , "thinking":{"budget_tokens":1e4,"type":"enabled"}';
    const user = '{"role":"user","content":"Weather in Oslo \\u2014 caf\\u00e9?"}';
    const write = (model: string, messages: string, stream: boolean) =>
      `{\n "model" :"${model}", ${head},\n "messages":[${messages}], "stream" : ${stream}}`;
    const send = async (messages: string, stream: boolean) => {
      const response = await fetch(`${gateway.origin}/v1/messages`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-api-key": "none" },
        body: write(base.model, messages, stream),
      });
      const answer = await response.text();
      expect([response.status, claude.lastText()]).toEqual([
        200,
        write("claude-sonnet-4-5", messages, stream),
      ]);
      return answer;
    };
    await send(user, true);
    const { content } = JSON.parse(await send(user, false)) as Anthropic.Message;
    const results = content.filter((block) => block.type === "tool_use")
      .map(({ id }) => `{"type":"tool_result", "tool_use_id":"${id}", "content":"rain"}`);
    const turns = `${user}, {"role":"assistant","content":${JSON.stringify(content, null, 1)}}, ` +
      `{"role":"user","content":[${results}]}`;
    for (const stream of [false, true]) expect(await send(turns, stream)).toContain("Rain.");
  });
});

test.each(models.slice(1))("an Anthropic client and %s", async (model) => {
  const base = {
    model,
    max_tokens: 20_000,
    thinking: { type: "enabled" as const, budget_tokens: 10_000 },
    tools: [{
      name: "weather",
      description: "w",
      input_schema: { type: "object" as const, properties: { city: { type: "string" } } },
    }],
  };
  for (
    const ask of [
      (messages: Anthropic.MessageParam[]) => anthropic.messages.create({ ...base, messages }),
      (messages: Anthropic.MessageParam[]) => anthropic.messages.stream({ ...base, messages }).finalMessage(),
    ]
  ) {
    const first = await ask([question]);
    expect(first.content.map(({ type }) => type)).toEqual(["thinking", "tool_use", "tool_use"]);
    const results = first.content.filter((block) => block.type === "tool_use")
      .map(({ id }) => ({ type: "tool_result" as const, tool_use_id: id, content: "rain" }));
    const answer = await ask([question, { role: "assistant", content: first.content }, {
      role: "user",
      content: results,
    }]);
    expect(answer.content).toMatchObject([{ type: "text", text: "Rain." }]);
  }
});

test.each(models)(
  "the Responses protocol carries the reasoning of %s from turn to turn by itself",
  async (model) => {
    const tools = [{
      type: "function" as const,
      name: "weather",
      description: "w",
      strict: false,
      parameters: chatTools[0]!.function.parameters,
    }];
    const base = {
      model,
      tools,
      reasoning: { effort: "high" as const },
      max_output_tokens: 20_000,
    };
    const first = await openai.responses.create({ ...base, input: "Weather in Oslo?" });
    const calls = first.output.filter((item) => item.type === "function_call");
    expect(calls).toHaveLength(2);
    const second = await openai.responses.create({
      ...base,
      previous_response_id: first.id,
      input: calls.map(({ call_id }) => ({ type: "function_call_output" as const, call_id, output: "rain" })),
    });
    expect(second.output_text).toBe("Rain.");
  },
);
