import { describe, expect, test } from "bun:test";
import type { FidelityLoss } from "../../plugin/api/provider.ts";
import type { MessagesRequest } from "../../schema/message.ts";
import { messagesToChat } from "./to-chat.ts";

const hello = { role: "user" as const, content: "Hello" };

function translate(
  request: Partial<MessagesRequest>,
  reasoningReplay: "details" | "text" | undefined = undefined,
  cacheMarks = false,
  fileAddresses = false,
) {
  const losses: FidelityLoss[] = [];
  const given = { model: "m", max_tokens: 100, messages: [hello], ...request } as MessagesRequest;
  const before = JSON.stringify(given);
  const chat = messagesToChat(given, {
    reasoningReplay,
    cacheMarks,
    fileAddresses,
    reportLoss: (loss) => losses.push(loss),
  });
  expect(JSON.stringify(given)).toBe(before);
  return { chat, losses: losses.map(({ field, effect }) => `${effect} ${field}`) };
}

test("the plain fields go under their own names", () => {
  const { chat, losses } = translate({
    system: "Be brief.",
    stream: true,
    temperature: 0.5,
    top_p: 0.9,
    top_k: 7,
    stop_sequences: ["END"],
    metadata: { user_id: "u1" },
  });
  expect(chat).toEqual({
    model: "m",
    messages: [{ role: "system", content: "Be brief." }, hello],
    max_completion_tokens: 100,
    stream: true,
    temperature: 0.5,
    top_p: 0.9,
    top_k: 7,
    stop: ["END"],
    user: "u1",
  });
  expect(losses).toEqual([]);
});

test("results of tools become messages of their own, in front of what the user says beside them", () => {
  const { chat, losses } = translate({
    messages: [
      hello,
      {
        role: "assistant",
        content: [
          { type: "text", text: "Let me look." },
          { type: "tool_use", id: "t1", name: "weather", input: { city: "Oslo" } },
          { type: "tool_use", id: "t2", name: "time", input: {} },
        ],
      },
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id: "t1", content: [{ type: "text", text: "rain" }] },
          { type: "tool_result", tool_use_id: "t2", content: "12:00" },
          { type: "text", text: "And now?" },
        ],
      },
    ],
  });
  expect(chat.messages.slice(1)).toEqual([
    {
      role: "assistant",
      content: "Let me look.",
      tool_calls: [
        { id: "t1", type: "function", function: { name: "weather", arguments: '{"city":"Oslo"}' } },
        { id: "t2", type: "function", function: { name: "time", arguments: "{}" } },
      ],
    },
    { role: "tool", tool_call_id: "t1", content: "rain" },
    { role: "tool", tool_call_id: "t2", content: "12:00" },
    { role: "user", content: "And now?" },
  ]);
  expect(losses).toEqual([]);
});

test("a picture in a tool's result follows as the user's, an error is told in words", () => {
  const image = { type: "image", source: { type: "base64", media_type: "image/png", data: "AAAA" } };
  const { chat, losses } = translate({
    messages: [{
      role: "user",
      content: [{
        type: "tool_result",
        tool_use_id: "t1",
        is_error: true,
        content: [{ type: "text", text: "no" }, image],
      }],
    }],
  });
  expect(chat.messages).toEqual([
    { role: "tool", tool_call_id: "t1", content: "Error: no" },
    { role: "user", content: [{ type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } }] },
  ]);
  expect(losses).toEqual([
    "approximated messages[0].content[0]",
    "approximated messages[0].content[0].is_error",
  ]);
});

describe("reasoning of earlier turns", () => {
  const messages: MessagesRequest["messages"] = [hello, {
    role: "assistant",
    content: [
      { type: "thinking", thinking: "Hm.", signature: "s1" },
      { type: "redacted_thinking", data: "d1" },
      { type: "text", text: "Hi." },
    ],
  }];

  test("goes on with its signatures where it is taken back", () => {
    const { chat, losses } = translate({ messages }, "details");
    expect(chat.messages[1]!.reasoning_details).toEqual([
      { type: "reasoning.text", text: "Hm.", signature: "s1", format: "anthropic-claude-v1", index: 0 },
      { type: "reasoning.encrypted", data: "d1", format: "anthropic-claude-v1", index: 1 },
    ]);
    expect(losses).toEqual([]);
  });

  test("is a loss where it is not", () => {
    const { chat, losses } = translate({ messages });
    expect(chat.messages[1]).toEqual({ role: "assistant", content: "Hi." });
    expect(losses).toEqual(["dropped messages[1].content[0]", "dropped messages[1].content[1]"]);
  });
});

test("tools and the choice among them", () => {
  const tools = [
    { name: "weather", description: "w", input_schema: { type: "object", properties: {} } },
    { type: "web_search_20250305", name: "web_search" },
  ];
  const { chat, losses } = translate({
    tools,
    tool_choice: { type: "tool", name: "weather", disable_parallel_tool_use: true },
  });
  expect(chat.tools).toEqual([
    {
      type: "function",
      function: { name: "weather", description: "w", parameters: { type: "object", properties: {} } },
    },
  ] as never);
  expect(chat).toMatchObject({
    tool_choice: { type: "function", function: { name: "weather" } },
    parallel_tool_calls: false,
  });
  expect(losses).toEqual(["dropped tools[1]"]);
  expect(translate({ tools, tool_choice: { type: "any" } }).chat.tool_choice).toBe("required");
  expect(translate({ tools, tool_choice: { type: "none" } }).chat.tool_choice).toBe("none");
});

test("structured output and effort", () => {
  const schema = {
    type: "object",
    properties: { a: { type: "string" } },
    required: ["a"],
    additionalProperties: false,
  };
  const { chat } = translate({ output_config: { format: { type: "json_schema", schema }, effort: "high" } });
  expect(chat.response_format).toEqual({
    type: "json_schema",
    json_schema: { name: "answer", schema, strict: true },
  });
  expect(chat.reasoning_effort).toBe("high");
  const budget = translate({ thinking: { type: "enabled", budget_tokens: 2_000 } });
  expect([budget.chat.reasoning_effort, budget.losses]).toEqual(["low", [
    "approximated thinking.budget_tokens",
  ]]);
  expect(translate({ thinking: { type: "disabled" } }).chat).not.toHaveProperty("reasoning_effort");
});

test("what chat completions do not have is named", () => {
  const { losses } = translate({
    container: "c",
    mcp_servers: [],
    stop_sequences: ["1", "2", "3", "4", "5"],
    messages: [{
      role: "user",
      content: [{ type: "container_upload", file_id: "f" }, { type: "text", text: "x" }],
    }],
  } as never);
  expect(losses).toEqual([
    "dropped container",
    "dropped mcp_servers",
    "dropped stop_sequences[4]",
    "dropped messages[0].content[0]",
  ]);
});

test("a schema that is not strict goes as a wish, and that is told", () => {
  const schema = { type: "object", properties: { a: { type: "string" } } };
  const { chat, losses } = translate({ output_config: { format: { type: "json_schema", schema } } });
  expect(chat.response_format).toMatchObject({ json_schema: { schema, strict: false } });
  expect(losses).toEqual(["approximated output_config.format.schema"]);
});

describe("marks of what the cache may keep", () => {
  const mark = { cache_control: { type: "ephemeral" } };
  const request: Partial<MessagesRequest> = {
    system: [{ type: "text", text: "Be brief.", ...mark }],
    tools: [{ name: "weather", input_schema: { type: "object" }, ...mark }],
    messages: [
      { role: "user", content: [{ type: "text", text: "Hello", ...mark }] },
      {
        role: "assistant",
        content: [{ type: "text", text: "Hi.", ...mark }, {
          type: "tool_use",
          id: "t1",
          name: "weather",
          input: {},
          ...mark,
        }],
      },
      { role: "user", content: [{ type: "tool_result", tool_use_id: "t1", content: "rain", ...mark }] },
    ],
  };

  test("are carried where they are understood", () => {
    const { chat, losses } = translate(request, undefined, true);
    expect(JSON.stringify(chat).match(/cache_control/g)).toHaveLength(6);
    expect(chat.messages.at(-1)).toMatchObject({ role: "tool", content: "rain", ...mark });
    expect(losses).toEqual([]);
  });

  test("do not reach a backend that might refuse them", () => {
    const { chat, losses } = translate(request);
    expect(JSON.stringify(chat)).not.toContain("cache_control");
    expect(chat.messages[1]).toEqual({ role: "user", content: "Hello" });
    expect(new Set(losses)).toEqual(new Set(["dropped cache_control"]));
  });
});

test("a document's address goes on where the backend takes some, and is named as lost elsewhere", () => {
  const source = { type: "url", url: "https://files.example/terms.pdf" };
  const messages = [{ role: "user" as const, content: [{ type: "document", title: "Terms", source }] }];
  const { chat, losses } = translate({ messages }, undefined, false, true);
  expect(chat.messages[0]!.content as unknown).toEqual([
    { type: "file", file: { filename: "Terms.pdf", file_data: "https://files.example/terms.pdf" } },
  ]);
  expect(losses).toEqual([]);
  expect(translate({ messages }).losses).toEqual(["dropped messages[0].content[0]"]);
});

test("what a setting, a tool or a block says beyond the protocol of chats is named", () => {
  const { chat, losses } = translate({
    service_tier: "standard_only",
    metadata: { user_id: "u", team: "t" },
    thinking: { type: "disabled" },
    output_config: { effort: "low", task_budget: { type: "tokens", total: 9 } },
    system: [{ type: "text", text: "x" }, { type: "image" }],
    tools: [{ name: "f", input_schema: { type: "object" }, input_examples: [{}], defer_loading: true }],
    messages: [{
      role: "user",
      content: [
        {
          type: "document",
          title: "T",
          context: "C",
          citations: { enabled: true },
          source: { type: "text", data: "D" },
        },
        {
          type: "search_result",
          title: "S",
          source: "https://s",
          content: [{ type: "text", text: "found" }],
        },
      ],
    }],
  } as never);
  expect(chat).toMatchObject({ service_tier: "default", reasoning_effort: "low", user: "u" });
  expect(chat.messages.at(-1)!.content).toBe("T\nC\nD\nS\nhttps://s\nfound");
  expect(losses).toEqual([
    "dropped metadata.team",
    "dropped output_config.task_budget",
    "dropped thinking",
    "dropped tools[0].input_examples",
    "dropped tools[0].defer_loading",
    "dropped system[1]",
    "dropped messages[0].content[0].citations",
  ]);
});
