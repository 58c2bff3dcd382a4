/** The features of a chat as OpenAI's Responses protocol says them; those that are missing it cannot say. */
import type { ChatFeature } from "intellirouter/plugin";
import { sealReasoning } from "../../src/gateway/responses/sealed-reasoning.ts";
import { features } from "./features.ts";

type Request = Record<string, unknown>;

// deno-lint-ignore no-explicit-any -- the chat requests are looked into where they have what this protocol says alike.
const chat = (feature: ChatFeature): any => features.find((one) => one.feature === feature)!.chat;

const base: Request = { input: "Hello" };
const { name, description, parameters } = chat("tools").tools[0].function;
const tools = [{ type: "function", name, description, parameters }];
const user = (part: Request): Request => ({ input: [{ role: "user", content: [part] }] });
const firstPart = (feature: ChatFeature) => chat(feature).messages[0].content[0];

/** A tool loop after its first turn. */
function loop(feature: ChatFeature): Request {
  const [said, asked, ...results] = chat(feature).messages;
  return {
    tools,
    input: [
      said,
      ...asked.tool_calls.map((call: Request & { function: Request }) => ({
        type: "function_call",
        call_id: call.id,
        ...call.function,
      })),
      ...results.map(({ tool_call_id: call_id, content }: Request) => ({
        type: "function_call_output",
        call_id,
        output: content,
      })),
    ],
  };
}

const replayed = loop("reasoning_replay");
const [, thinking] = chat("reasoning_replay").messages;

export const responseRequests: Readonly<Partial<Record<ChatFeature, Request>>> = {
  system_prompt: { ...base, instructions: "Be a sentinel." },
  developer_prompt: { input: chat("developer_prompt").messages },
  image_data: user({ type: "input_image", image_url: firstPart("image_data").image_url.url, detail: "auto" }),
  image_url: user({ type: "input_image", image_url: firstPart("image_url").image_url.url, detail: "auto" }),
  audio_input: user(firstPart("audio_input")),
  file_input: user({ type: "input_file", ...firstPart("file_input").file }),
  tools: { ...base, tools },
  tool_choice_required: { ...base, tools, tool_choice: "required" },
  tool_choice_named: { ...base, tools, tool_choice: { type: "function", name } },
  tool_choice_none: { ...base, tools, tool_choice: "none" },
  parallel_tool_calls_off: { ...base, tools, parallel_tool_calls: false },
  tool_results: loop("tool_results"),
  parallel_tool_results: loop("parallel_tool_results"),
  json_object: { ...base, text: { format: { type: "json_object" } } },
  json_schema: {
    ...base,
    text: { format: { type: "json_schema", ...chat("json_schema").response_format.json_schema } },
  },
  reasoning_effort: { ...base, max_output_tokens: 20_000, reasoning: { effort: "high" } },
  reasoning_replay: {
    ...replayed,
    input: (replayed.input as Request[]).toSpliced(1, 0, {
      type: "reasoning",
      id: "rs_1",
      summary: [],
      content: [{ type: "reasoning_text", text: thinking.reasoning_content }],
      encrypted_content: sealReasoning(thinking.reasoning_details),
    }),
  },
  cache_control: user({ ...firstPart("cache_control"), type: "input_text" }),
  max_tokens: { ...base, max_output_tokens: 4_321 },
  temperature: { ...base, temperature: 0.4321 },
  top_p: { ...base, top_p: 0.8765 },
  logprobs: { ...base, include: ["message.output_text.logprobs"], top_logprobs: 3 },
  user: { ...base, user: "user-sentinel" },
  service_tier: { ...base, service_tier: "flex" },
  web_search: { ...base, tools: [{ type: "web_search" }] },
};
