import { describe, expect, test } from "bun:test";
import { losses } from "../../../test/support/response-fixtures.ts";
import type { Provider } from "../../plugin/api/provider.ts";
import { isUpstreamError } from "../../plugin/api/upstream-error.ts";
import type { ResponsesRequest } from "../../schema/response.ts";
import { sealReasoning } from "./sealed-reasoning.ts";
import { responsesToChat } from "./to-chat.ts";

function translate(
  request: Partial<ResponsesRequest>,
  reasoningReplay?: Provider["reasoningReplay"],
  historyLength = 0,
  fileAddresses = false,
) {
  const { list, reportLoss } = losses();
  const given: ResponsesRequest = { model: "m", input: "Hi", ...request };
  const before = JSON.stringify(given);
  const chat = responsesToChat(given, { reasoningReplay, historyLength, fileAddresses, reportLoss });
  expect(JSON.stringify(given)).toBe(before);
  return { chat, lost: list.map(({ field, effect }) => `${effect} ${field}`) };
}

function refusal(request: Partial<ResponsesRequest>) {
  try {
    translate(request);
  } catch (error) {
    if (isUpstreamError(error)) return { kind: error.kind, param: error.param };
    throw error;
  }
  return undefined;
}

describe("a request", () => {
  test("of one text is one message", () => {
    expect(translate({}).chat).toEqual({ model: "m", messages: [{ role: "user", content: "Hi" }] });
  });

  test("keeps what both protocols have, and renames the rest", () => {
    const { chat, lost } = translate({
      instructions: "Be brief.",
      stream: true,
      store: true,
      metadata: { a: "b" },
      max_output_tokens: 50,
      temperature: 0.5,
      top_p: 0.9,
      user: "u",
      safety_identifier: "s",
      prompt_cache_key: "k",
      service_tier: "flex",
      reasoning: { effort: "high" },
      text: {
        verbosity: "low",
        format: { type: "json_schema", name: "x", schema: { type: "object" }, strict: true },
      },
      include: ["message.output_text.logprobs", "reasoning.encrypted_content"],
      top_logprobs: 3,
      truncation: "disabled",
    });
    expect(chat).toEqual({
      model: "m",
      messages: [{ role: "system", content: "Be brief." }, { role: "user", content: "Hi" }],
      stream: true,
      max_completion_tokens: 50,
      temperature: 0.5,
      top_p: 0.9,
      user: "u",
      safety_identifier: "s",
      prompt_cache_key: "k",
      service_tier: "flex",
      reasoning_effort: "high",
      verbosity: "low",
      response_format: {
        type: "json_schema",
        json_schema: { name: "x", schema: { type: "object" }, strict: true },
      },
      logprobs: true,
      top_logprobs: 3,
    });
    expect(lost).toEqual([]);
  });

  test("tells what chat completions have not", () => {
    const { lost } = translate({
      truncation: "auto",
      max_tool_calls: 3,
      context_management: [{ type: "compaction" }],
      reasoning: { summary: "auto", effort: null },
      include: ["file_search_call.results"],
      text: { format: { type: "grammar" } },
      made_up: true,
    });
    expect(lost.toSorted()).toEqual([
      "approximated reasoning.summary",
      "dropped context_management",
      "dropped include[0]",
      "dropped made_up",
      "dropped max_tool_calls",
      "dropped text.format",
      "dropped truncation",
    ]);
  });

  test("that rests on a template of the vendor's is refused", () => {
    expect(refusal({ prompt: { id: "pmpt_1" } })).toEqual({ kind: "unsupported", param: "prompt" });
  });

  test("asks for a JSON object as chat does", () => {
    expect(translate({ text: { format: { type: "json_object" } } }).chat.response_format).toEqual({
      type: "json_object",
    });
    expect(translate({ text: { format: { type: "text" } } }).chat.response_format).toBeUndefined();
  });
});

describe("messages", () => {
  test("keep a file's address where the backend takes some", () => {
    const content = [{ type: "input_file", filename: "a.pdf", file_url: "https://files.example/a.pdf" }];
    const { chat, lost } = translate({ input: [{ role: "user", content }] }, undefined, 0, true);
    expect(chat.messages[0]!.content as unknown).toEqual([
      { type: "file", file: { filename: "a.pdf", file_data: "https://files.example/a.pdf" } },
    ]);
    expect(lost).toEqual([]);
  });

  test("have their parts translated", () => {
    const { chat, lost } = translate({
      input: [
        {
          role: "user",
          content: [
            { type: "input_text", text: "Look" },
            { type: "input_image", image_url: "data:image/png;base64,AA", detail: "low" },
            { type: "input_file", filename: "a.pdf", file_data: "data:application/pdf;base64,AA" },
            { type: "input_file", file_id: "file_1" },
            { type: "input_audio", input_audio: { data: "AA", format: "wav" } },
            { type: "input_file", file_url: "http://x/a.pdf" },
            { type: "input_image", file_id: "file_2" },
          ],
        },
        {
          role: "assistant",
          content: [{ type: "output_text", text: "A " }, { type: "output_text", text: "cat" }],
        },
        { role: "assistant", content: [{ type: "refusal", refusal: "No." }] },
        { role: "user", content: [{ type: "input_text", text: "One" }, { type: "input_text", text: "Two" }] },
      ],
    });
    expect(chat.messages).toEqual([
      {
        role: "user",
        content: [
          { type: "text", text: "Look" },
          { type: "image_url", image_url: { url: "data:image/png;base64,AA", detail: "low" } },
          { type: "file", file: { filename: "a.pdf", file_data: "data:application/pdf;base64,AA" } },
          { type: "file", file: { file_id: "file_1" } },
          { type: "input_audio", input_audio: { data: "AA", format: "wav" } },
        ],
      },
      { role: "assistant", content: "A cat" },
      { role: "assistant", content: "No." },
      { role: "user", content: "One\nTwo" },
    ]);
    expect(lost).toEqual(["dropped input[0].content[5]", "dropped input[0].content[6]"]);
  });

  test("of developers are the system's, and the first of them one message", () => {
    const { chat } = translate({
      instructions: "One.",
      input: [
        { role: "developer", content: "Two." },
        { role: "system", content: [{ type: "input_text", text: "Three." }] },
        { role: "user", content: "Hi" },
        { role: "developer", content: "Four." },
      ],
    });
    expect(chat.messages).toEqual([
      { role: "system", content: "One.\n\nTwo.\n\nThree." },
      { role: "user", content: "Hi" },
      { role: "system", content: "Four." },
    ]);
  });
});

const call = (id: string, name = "f") => ({ type: "function_call", call_id: id, name, arguments: "{}" });
const result = (id: string, output: unknown = "ok") => ({
  type: "function_call_output",
  call_id: id,
  output,
});
const chatCall = (id: string) => ({ id, type: "function", function: { name: "f", arguments: "{}" } });

describe("tool calls", () => {
  test("that belong together are one message, with what was said before them", () => {
    const { chat } = translate({
      input: [
        { role: "user", content: "Hi" },
        { type: "message", role: "assistant", content: "Let me see." },
        call("a"),
        call("b"),
        result("a"),
        result("b"),
        call("c"),
        result("c"),
        { role: "assistant", content: "Done." },
      ],
    });
    expect(chat.messages as unknown).toEqual([
      { role: "user", content: "Hi" },
      { role: "assistant", content: "Let me see.", tool_calls: [chatCall("a"), chatCall("b")] },
      { role: "tool", tool_call_id: "a", content: "ok" },
      { role: "tool", tool_call_id: "b", content: "ok" },
      { role: "assistant", content: null, tool_calls: [chatCall("c")] },
      { role: "tool", tool_call_id: "c", content: "ok" },
      { role: "assistant", content: "Done." },
    ]);
  });

  test("may be followed by what the assistant says: the turn stays one message", () => {
    const { chat } = translate({
      input: [call("a"), { role: "assistant", content: "Wait." }, call("b"), result("a"), result("b")],
    });
    expect(chat.messages.map(({ role, content }) => [role, content])).toEqual([
      ["assistant", "Wait."],
      ["tool", "ok"],
      ["tool", "ok"],
    ]);
  });

  test("give results in parts: what is not text follows when all of them have come", () => {
    const image = { type: "input_image", image_url: "http://x/a.png" };
    const { chat, lost } = translate({
      input: [
        call("a"),
        call("b"),
        result("a", [{ type: "input_text", text: "See:" }, image]),
        result("b"),
        { role: "user", content: "Well?" },
      ],
    });
    expect(chat.messages.slice(1) as unknown).toEqual([
      { role: "tool", tool_call_id: "a", content: "See:" },
      { role: "tool", tool_call_id: "b", content: "ok" },
      { role: "user", content: [{ type: "image_url", image_url: { url: "http://x/a.png" } }] },
      { role: "user", content: "Well?" },
    ]);
    expect(lost).toEqual(["approximated input[2].output"]);
  });

  test("must have been made before they are answered", () => {
    expect(refusal({ input: [result("nobody")] })).toEqual({ kind: "invalid_request", param: "input[0]" });
  });

  test("with plain text are functions with one argument", () => {
    const { chat, lost } = translate({
      tools: [{
        type: "custom",
        name: "patch",
        description: "Changes files.",
        format: { type: "grammar", syntax: "lark", definition: "start: /x/" },
      }],
      tool_choice: { type: "custom", name: "patch" },
      input: [
        { type: "custom_tool_call", call_id: "a", name: "patch", input: 'say "x"' },
        { type: "custom_tool_call_output", call_id: "a", output: "done" },
      ],
    });
    expect(chat.tools).toEqual([{
      type: "function",
      function: {
        name: "patch",
        description: "Changes files.\n\nThe input must follow this lark grammar:\nstart: /x/",
        parameters: {
          type: "object",
          properties: { input: { type: "string" } },
          required: ["input"],
          additionalProperties: false,
        },
      },
    }]);
    expect(chat.tool_choice as unknown).toEqual({ type: "function", function: { name: "patch" } });
    expect(chat.messages[0]!.tool_calls![0]!.function!.arguments).toBe('{"input":"say \\"x\\""}');
    expect(lost).toEqual(["approximated tools[0]"]);
  });
});

describe("tools", () => {
  const f = { type: "function", name: "f", description: "D", parameters: { type: "object" }, strict: true };
  const g = { type: "function", name: "g", parameters: null, strict: null };

  test("are nested as chat wants them", () => {
    expect(translate({ tools: [f, g], parallel_tool_calls: false, tool_choice: "auto" }).chat as unknown)
      .toMatchObject({
        tools: [
          {
            type: "function",
            function: { name: "f", description: "D", parameters: { type: "object" }, strict: true },
          },
          { type: "function", function: { name: "g", parameters: { type: "object", properties: {} } } },
        ],
        parallel_tool_calls: false,
        tool_choice: "auto",
      });
  });

  test("that run at the vendor's are left out, unless the client insists", () => {
    const hosted = [
      "web_search",
      "file_search",
      "code_interpreter",
      "mcp",
      "local_shell",
      "image_generation",
    ];
    const { chat, lost } = translate({ tools: [f, ...hosted.map((type) => ({ type }))] });
    expect(chat.tools).toHaveLength(1);
    expect(lost).toEqual(hosted.map((_type, index) => `dropped tools[${index + 1}]`));
    const choices: ResponsesRequest["tool_choice"][] = [{ type: "web_search" }, {
      type: "mcp",
      server_label: "x",
    }, "required"];
    for (const tool_choice of choices) {
      expect(refusal({ tools: [{ type: "web_search" }], tool_choice })).toEqual({
        kind: "unsupported",
        param: "tool_choice",
      });
    }
    expect(translate({ tools: [{ type: "web_search" }], tool_choice: "auto" }).chat.tool_choice)
      .toBeUndefined();
  });

  test("are those that tool_choice allows", () => {
    const { chat } = translate({
      tools: [f, g],
      tool_choice: { type: "allowed_tools", mode: "required", tools: [{ type: "function", name: "g" }] },
    });
    expect(chat.tools!.map((tool) => (tool.function as { name: string }).name)).toEqual(["g"]);
    expect(chat.tool_choice).toBe("required");
    expect(refusal({ tools: [f], tool_choice: { type: "allowed_tools", mode: "required", tools: [] } }))
      .toEqual({ kind: "unsupported", param: "tool_choice" });
  });

  test("lose fields that functions of chat have not", () => {
    expect(translate({ tools: [{ ...f, defer_loading: true }] }).lost).toEqual([
      "dropped tools[0].defer_loading",
    ]);
  });
});

describe("reasoning of earlier turns", () => {
  const details = [{
    type: "reasoning.text",
    text: "Hm.",
    signature: "sig",
    format: "anthropic-claude-v1",
    index: 0,
  }];
  const sealed = {
    type: "reasoning",
    id: "rs_1",
    summary: [],
    content: [{ type: "reasoning_text", text: "Hm." }],
    encrypted_content: sealReasoning(details),
  };
  const input = [{ role: "user" as const, content: "Hi" }, sealed, call("a"), result("a")];

  test("goes back as the backend gave it", () => {
    expect(translate({ input }, "details").chat.messages[1]).toMatchObject({
      reasoning_details: details,
      tool_calls: [chatCall("a")],
    });
    expect(translate({ input }, "text").chat.messages[1]).toMatchObject({
      reasoning_content: "Hm.",
      tool_calls: [chatCall("a")],
    });
  });

  test("of OpenAI's own keeps its form", () => {
    const own = { type: "reasoning", id: "rs_2", summary: [], encrypted_content: "gAAAA" };
    expect(translate({ input: [own, call("a"), result("a")] }, "details").chat.messages[0]!.reasoning_details)
      .toEqual([
        { type: "reasoning.encrypted", data: "gAAAA", format: "openai-responses-v1", index: 0, id: "rs_2" },
      ]);
  });

  test("is lost where the backend takes none, and so is what nobody sealed; earlier turns are the gateway's own", () => {
    expect(translate({ input }).lost).toEqual(["dropped input[1]"]);
    expect(translate({ input }, undefined, 2).lost).toEqual(["dropped previous_response_id"]);
    const { encrypted_content: _none, ...open } = sealed;
    expect(translate({ input: [open, call("a"), result("a")] }).lost).toEqual(["dropped input[0]"]);
    expect(translate({ input: [open, call("a"), result("a")] }, "details", 1).lost).toEqual([]);
  });
});

describe("other items", () => {
  test("are told as lost", () => {
    const { chat, lost } = translate({
      input: [{ type: "web_search_call", id: "ws_1", status: "completed" }, { role: "user", content: "Hi" }],
    });
    expect(chat.messages).toHaveLength(1);
    expect(lost).toEqual(["dropped input[0]"]);
  });

  test("that stand for a conversation are refused", () => {
    expect(refusal({ input: [{ type: "compaction", encrypted_content: "x" }] })).toEqual({
      kind: "unsupported",
      param: "input[0]",
    });
  });
});
