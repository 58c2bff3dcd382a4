import { describe, expect, test } from "bun:test";
import type { ChatMessage } from "../../schema/chat-completion.ts";
import type { RequestBody } from "../request-body.ts";
import { chatPrompt } from "./chat-prompt.ts";
import { inputPrompt } from "./input-prompt.ts";
import { messagesPrompt } from "./messages-prompt.ts";
import { DialectPromptEditor, type PromptDialect } from "./prompt-editor.ts";
import { responsesPrompt } from "./responses-prompt.ts";

const image = { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } };
const call = { id: "c1", type: "function", function: { name: "look", arguments: '{"q":"a"}' } };

/** The same conversation in each protocol. */
const protocols = {
  chat: {
    dialect: chatPrompt,
    body: {
      model: "m",
      messages: [
        { role: "system", content: "S" },
        { role: "user", content: [{ type: "text", text: "U1" }, image] },
        { role: "assistant", content: "A1", tool_calls: [call] },
        { role: "tool", tool_call_id: "c1", content: "R1" },
        { role: "user", content: "U2" },
      ],
      tools: [{ type: "function", function: { name: "look" } }, {
        type: "function",
        function: { name: "buy" },
      }],
      tool_choice: { type: "function", function: { name: "buy" } },
    },
  },
  messages: {
    dialect: messagesPrompt,
    body: {
      model: "m",
      max_tokens: 10,
      system: "S",
      messages: [
        {
          role: "user",
          content: [{ type: "text", text: "U1" }, {
            type: "image",
            source: { type: "base64", media_type: "image/png", data: "AAAA" },
          }],
        },
        {
          role: "assistant",
          content: [{ type: "text", text: "A1" }, {
            type: "tool_use",
            id: "c1",
            name: "look",
            input: { q: "a" },
          }],
        },
        { role: "user", content: [{ type: "tool_result", tool_use_id: "c1", content: "R1" }] },
        { role: "user", content: "U2" },
      ],
      tools: [{ name: "look" }, { name: "buy" }],
      tool_choice: { type: "tool", name: "buy" },
    },
  },
  responses: {
    dialect: responsesPrompt(() => {}),
    body: {
      model: "m",
      instructions: "S",
      input: [
        {
          type: "message",
          role: "user",
          content: [{ type: "input_text", text: "U1" }, {
            type: "input_image",
            image_url: "data:image/png;base64,AAAA",
          }],
        },
        { type: "message", role: "assistant", content: [{ type: "output_text", text: "A1" }] },
        { type: "function_call", call_id: "c1", name: "look", arguments: '{"q":"a"}' },
        { type: "function_call_output", call_id: "c1", output: "R1" },
        { type: "message", role: "user", content: "U2" },
      ],
      tools: [{ type: "function", name: "look" }, { type: "function", name: "buy" }],
      tool_choice: { type: "function", name: "buy" },
    },
  },
} as unknown as Record<string, { dialect: PromptDialect<RequestBody>; body: RequestBody }>;

for (const [name, { dialect, body }] of Object.entries(protocols)) {
  describe(name, () => {
    const edit = () => new DialectPromptEditor(dialect, body);
    const said = (editor: DialectPromptEditor<RequestBody>) =>
      editor.texts().map(({ role, text }) => `${role}:${text}`);
    const all = ["system:S", "user:U1", "assistant:A1", 'assistant:{"q":"a"}', "tool:R1", "user:U2"];

    test("every text is read, in order", () => {
      expect(said(edit())).toEqual(all);
      expect(edit().texts().find(({ kind }) => kind === "arguments")?.text).toBe('{"q":"a"}');
    });

    test("texts that stay as they are leave the request as it is", () => {
      const editor = edit();
      editor.mapTexts(({ text }) => text);
      expect(editor.isChanged).toBe(false);
      expect(editor.body).toBe(body);
    });

    test("every text can be changed, and the client's own request is not", () => {
      const before = JSON.stringify(body);
      const editor = edit();
      editor.mapTexts(({ kind, text }) => kind === "arguments" ? '{"q":"b"}' : `<${text}>`);
      expect(said(editor)).toEqual([
        "system:<S>",
        "user:<U1>",
        "assistant:<A1>",
        'assistant:{"q":"b"}',
        "tool:<R1>",
        "user:<U2>",
      ]);
      expect(JSON.stringify(body)).toBe(before);
    });

    test("instructions go before or after the client's, or take their place", () => {
      for (const [place, order] of [["first", ["P", "S"]], ["last", ["S", "P"]]] as const) {
        const editor = edit();
        editor.addInstructions("P", place);
        const told = editor.texts().filter(({ role }) => role === "system").map(({ text }) => text);
        expect(told.join("\n\n")).toBe(order.join("\n\n"));
      }
      const editor = edit();
      editor.dropInstructions();
      expect(said(editor)).toEqual(all.slice(1));
      editor.addInstructions("P", "first");
      expect(said(editor)).toEqual(["system:P", ...all.slice(1)]);
    });

    test("messages come between the instructions and the conversation, or before the last words", () => {
      const added: ChatMessage[] = [
        { role: "user", content: "Q" },
        { role: "assistant", content: null, tool_calls: [call] },
        { role: "tool", tool_call_id: "c1", content: "R" },
        { role: "assistant", content: "E" },
      ];
      const texts = ["user:Q", 'assistant:{"q":"a"}', "tool:R", "assistant:E"];
      const first = edit();
      first.prepend(added);
      expect(said(first)).toEqual([...all.slice(0, 1), ...texts, ...all.slice(1)]);
      const before = edit();
      before.insertBeforeLast(added.slice(3));
      expect(said(before)).toEqual([...all.slice(0, -1), "assistant:E", "user:U2"]);
    });

    test("the conversation is the same whatever the protocol", () => {
      const conversation = edit().conversation();
      expect(conversation.map(({ role }) => role)).toEqual(["user", "assistant", "tool", "user"]);
      expect(conversation[1]).toMatchObject({ content: "A1", tool_calls: [call] });
      expect(conversation[2]).toMatchObject({ tool_call_id: "c1", content: "R1" });
      // What it gives can be put into any other request.
      for (const other of Object.values(protocols)) {
        const editor = new DialectPromptEditor(other.dialect, other.body);
        editor.prepend(conversation);
        expect(editor.conversation().slice(0, 4)).toMatchObject([
          { role: "user", content: [{ text: "U1" }, image] },
          { role: "assistant", content: "A1", tool_calls: [call] },
          { role: "tool", tool_call_id: "c1", content: "R1" },
          { role: "user" },
        ]);
      }
    });

    test("tools that are not allowed go, and a choice of one of them", () => {
      const editor = edit();
      editor.restrictTools((tool) => tool === "look");
      expect(editor.body.tools).toHaveLength(1);
      expect(editor.body.tool_choice).toBeUndefined();
      editor.restrictTools(() => false);
      expect("tools" in editor.body).toBe(false);
    });

    test("defaults are set where the client has said nothing", () => {
      const editor = edit();
      editor.setDefaults({ temperature: 0.3, max_completion_tokens: 99 });
      const limit = editor.body.max_tokens ?? editor.body.max_output_tokens ??
        editor.body.max_completion_tokens;
      expect([editor.body.temperature, limit]).toEqual([0.3, name === "messages" ? 10 : 99]);
    });
  });
}

test("prompts and inputs are texts, or lists of them; ids of tokens are left alone", () => {
  const prompt = new DialectPromptEditor(inputPrompt("prompt"), { model: "m", prompt: ["a", "b"] });
  prompt.addInstructions("P", "first");
  prompt.mapTexts(({ text }) => text.toUpperCase());
  expect(prompt.body.prompt).toEqual(["P\n\nA", "P\n\nB"]);
  const input = new DialectPromptEditor(inputPrompt("input"), { model: "m", input: [[1, 2], [3]] });
  input.mapTexts(({ text }) => `${text}!`);
  expect(input.isChanged).toBe(false);
});
