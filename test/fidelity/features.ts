/**
 * Every feature of a chat, said in each protocol that clients speak. What a feature's request holds is unlike anything else in it, so
 * that it can be found again in what a backend is sent, whatever that backend calls it.
 */
import type { ChatFeature } from "intellirouter/plugin";
import { sealReasoning } from "../../src/gateway/responses/sealed-reasoning.ts";

type Request = Record<string, unknown>;

export interface FeatureCase {
  readonly feature: ChatFeature;
  /** A whole chat completions request but for the model. */
  readonly chat: Request;
  /** The same in Anthropic's Messages protocol; absent where it cannot be said. */
  readonly messages?: Request;
  /** The same in OpenAI's Responses protocol. */
  readonly responses?: Request;
  /** Whether it is in what the backend was sent, as text. */
  arrives(sent: string): boolean;
}

const hello = { role: "user", content: "Hello" };
const base: Request = { messages: [hello] };
const claude: Request = { max_tokens: 5_000, messages: [hello] };
/** One pixel, as PNG. */
const png =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
export const downloadedImage = Buffer.from(png, "base64");
const wav = Buffer.from("RIFF-sentinel-WAVE-sound").toString("base64");
const pdf = Buffer.from("%PDF-1.4 sentinel document").toString("base64");

const parameters = {
  type: "object",
  properties: { city_sentinel: { type: "string" } },
  required: ["city_sentinel"],
  additionalProperties: false,
};
const tool = {
  type: "function",
  function: { name: "weather_sentinel", description: "Tells the weather.", parameters },
};
const claudeTool = { name: "weather_sentinel", description: "Tells the weather.", input_schema: parameters };
const call = (id: string, city: string) => ({
  id,
  type: "function",
  function: { name: "weather_sentinel", arguments: JSON.stringify({ city_sentinel: city }) },
});
const toolUse = (id: string, city: string) => ({
  type: "tool_use",
  id,
  name: "weather_sentinel",
  input: { city_sentinel: city },
});

const turn = (results: readonly (readonly [string, string, string])[]): Request => ({
  tools: [tool],
  messages: [
    hello,
    { role: "assistant", content: null, tool_calls: results.map(([id, city]) => call(id, city)) },
    ...results.map(([id, , result]) => ({ role: "tool", tool_call_id: id, content: result })),
  ],
});
const claudeTurn = (results: readonly (readonly [string, string, string])[]): Request => ({
  max_tokens: 5_000,
  tools: [claudeTool],
  messages: [
    hello,
    { role: "assistant", content: results.map(([id, city]) => toolUse(id, city)) },
    {
      role: "user",
      content: results.map(([id, , result]) => ({ type: "tool_result", tool_use_id: id, content: result })),
    },
  ],
});

const responsesTool = {
  type: "function",
  name: "weather_sentinel",
  description: "Tells the weather.",
  parameters,
  strict: true,
};
const responsesTurn = (results: readonly (readonly [string, string, string])[]): Request => ({
  tools: [responsesTool],
  input: [
    { role: "user", content: "Hello" },
    ...results.map(([id, city]) => ({
      type: "function_call",
      call_id: id,
      name: "weather_sentinel",
      arguments: JSON.stringify({ city_sentinel: city }),
    })),
    ...results.map(([id, , result]) => ({ type: "function_call_output", call_id: id, output: result })),
  ],
});

const schema = {
  type: "object",
  properties: { answer_sentinel: { type: "string" } },
  required: ["answer_sentinel"],
  additionalProperties: false,
};
const has = (...words: readonly string[]) => (sent: string) => words.every((word) => sent.includes(word));
const matches = (pattern: RegExp) => (sent: string) => pattern.test(sent);
const chatOnly = (feature: ChatFeature, fields: Request, arrives: FeatureCase["arrives"]): FeatureCase => ({
  feature,
  chat: { ...base, ...fields },
  arrives,
});

export const features: readonly FeatureCase[] = [
  {
    feature: "system_prompt",
    chat: { messages: [{ role: "system", content: "Be a sentinel." }, hello] },
    messages: { ...claude, system: "Be a sentinel." },
    responses: { instructions: "Be a sentinel.", input: "Hello" },
    arrives: has("Be a sentinel."),
  },
  {
    ...chatOnly(
      "developer_prompt",
      { messages: [{ role: "developer", content: "Be a sentinel." }, hello] },
      has("Be a sentinel."),
    ),
    responses: {
      input: [{ role: "developer", content: "Be a sentinel." }, { role: "user", content: "Hello" }],
    },
  },
  {
    feature: "image_data",
    chat: {
      messages: [{
        role: "user",
        content: [{ type: "image_url", image_url: { url: `data:image/png;base64,${png}` } }],
      }],
    },
    messages: {
      ...claude,
      messages: [{
        role: "user",
        content: [{ type: "image", source: { type: "base64", media_type: "image/png", data: png } }],
      }],
    },
    responses: {
      input: [{
        role: "user",
        content: [{ type: "input_image", image_url: `data:image/png;base64,${png}`, detail: "auto" }],
      }],
    },
    arrives: has(png),
  },
  {
    feature: "image_url",
    chat: {
      messages: [{
        role: "user",
        content: [{ type: "image_url", image_url: { url: "https://files.example/sentinel.png" } }],
      }],
    },
    messages: {
      ...claude,
      messages: [{
        role: "user",
        content: [{ type: "image", source: { type: "url", url: "https://files.example/sentinel.png" } }],
      }],
    },
    responses: {
      input: [{
        role: "user",
        content: [{ type: "input_image", image_url: "https://files.example/sentinel.png", detail: "auto" }],
      }],
    },
    arrives: (sent) => sent.includes("https://files.example/sentinel.png") || sent.includes(png),
  },
  chatOnly("audio_input", {
    messages: [{
      role: "user",
      content: [{ type: "input_audio", input_audio: { data: wav, format: "wav" } }],
    }],
  }, has(wav)),
  {
    feature: "file_input",
    chat: {
      messages: [{
        role: "user",
        content: [{
          type: "file",
          file: { filename: "document.pdf", file_data: `data:application/pdf;base64,${pdf}` },
        }],
      }],
    },
    messages: {
      ...claude,
      messages: [{
        role: "user",
        content: [{ type: "document", source: { type: "base64", media_type: "application/pdf", data: pdf } }],
      }],
    },
    responses: {
      input: [{
        role: "user",
        content: [{
          type: "input_file",
          filename: "document.pdf",
          file_data: `data:application/pdf;base64,${pdf}`,
        }],
      }],
    },
    arrives: has(pdf),
  },
  {
    feature: "tools",
    chat: { ...base, tools: [tool] },
    messages: { ...claude, tools: [claudeTool] },
    responses: { input: "Hello", tools: [responsesTool] },
    arrives: has("weather_sentinel", "city_sentinel", "Tells the weather."),
  },
  {
    feature: "tool_choice_required",
    chat: { ...base, tools: [tool], tool_choice: "required" },
    messages: { ...claude, tools: [claudeTool], tool_choice: { type: "any" } },
    responses: { input: "Hello", tools: [responsesTool], tool_choice: "required" },
    arrives: matches(/"required"(?!:)|"any"|"ANY"/),
  },
  {
    feature: "tool_choice_named",
    chat: {
      ...base,
      tools: [tool],
      tool_choice: { type: "function", function: { name: "weather_sentinel" } },
    },
    messages: { ...claude, tools: [claudeTool], tool_choice: { type: "tool", name: "weather_sentinel" } },
    responses: {
      input: "Hello",
      tools: [responsesTool],
      tool_choice: { type: "function", name: "weather_sentinel" },
    },
    arrives: (sent) => sent.split("weather_sentinel").length > 2,
  },
  {
    feature: "tool_choice_none",
    chat: { ...base, tools: [tool], tool_choice: "none" },
    messages: { ...claude, tools: [claudeTool], tool_choice: { type: "none" } },
    responses: { input: "Hello", tools: [responsesTool], tool_choice: "none" },
    arrives: (sent) => /"none"|"NONE"/.test(sent) || !sent.includes("weather_sentinel"),
  },
  {
    feature: "parallel_tool_calls_off",
    chat: { ...base, tools: [tool], parallel_tool_calls: false },
    messages: {
      ...claude,
      tools: [claudeTool],
      tool_choice: { type: "auto", disable_parallel_tool_use: true },
    },
    responses: { input: "Hello", tools: [responsesTool], parallel_tool_calls: false },
    arrives: matches(/parallel_tool_calls":false|disable_parallel_tool_use":true/),
  },
  {
    feature: "tool_results",
    chat: turn([["call_a", "Oslo", "rain-sentinel"]]),
    messages: claudeTurn([["toolu_a", "Oslo", "rain-sentinel"]]),
    responses: responsesTurn([["call_a", "Oslo", "rain-sentinel"]]),
    arrives: has("rain-sentinel", "Oslo"),
  },
  {
    feature: "parallel_tool_results",
    chat: turn([["call_a", "Oslo", "rain-sentinel"], ["call_b", "Rome", "sun-sentinel"]]),
    messages: claudeTurn([["toolu_a", "Oslo", "rain-sentinel"], ["toolu_b", "Rome", "sun-sentinel"]]),
    responses: responsesTurn([["call_a", "Oslo", "rain-sentinel"], ["call_b", "Rome", "sun-sentinel"]]),
    arrives: has("rain-sentinel", "sun-sentinel", "Oslo", "Rome"),
  },
  {
    ...chatOnly(
      "json_object",
      { response_format: { type: "json_object" } },
      matches(/json_object|application\/json|"format":"json"/),
    ),
    responses: { input: "Hello in JSON", text: { format: { type: "json_object" } } },
  },
  {
    feature: "json_schema",
    chat: {
      ...base,
      response_format: { type: "json_schema", json_schema: { name: "answer", strict: true, schema } },
    },
    messages: { ...claude, output_config: { format: { type: "json_schema", schema } } },
    responses: {
      input: "Hello",
      text: { format: { type: "json_schema", name: "answer", strict: true, schema } },
    },
    arrives: has("answer_sentinel"),
  },
  {
    feature: "reasoning_effort",
    chat: { ...base, max_completion_tokens: 20_000, reasoning_effort: "high" },
    messages: { ...claude, max_tokens: 20_000, output_config: { effort: "high" } },
    responses: { input: "Hello", max_output_tokens: 20_000, reasoning: { effort: "high" } },
    arrives: matches(/reasoning|thinking|think|effort/i),
  },
  {
    feature: "reasoning_replay",
    chat: {
      ...turn([["call_a", "Oslo", "rain"]]),
      messages: [hello, {
        role: "assistant",
        content: null,
        tool_calls: [{
          ...call("call_a", "Oslo"),
          extra_content: { google: { thought_signature: "signature-sentinel" } },
        }],
        reasoning_content: "I thought.",
        reasoning_details: [
          {
            type: "reasoning.text",
            text: "I thought.",
            signature: "signature-sentinel",
            format: "anthropic-claude-v1",
            index: 0,
          },
        ],
      }, { role: "tool", tool_call_id: "call_a", content: "rain" }],
    },
    messages: {
      ...claude,
      tools: [claudeTool],
      messages: [
        hello,
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: "I thought.", signature: "signature-sentinel" },
            toolUse("toolu_a", "Oslo"),
          ],
        },
        { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_a", content: "rain" }] },
      ],
    },
    responses: {
      tools: [responsesTool],
      input: [
        hello,
        {
          type: "reasoning",
          id: "rs_1",
          summary: [],
          content: [{ type: "reasoning_text", text: "I thought." }],
          encrypted_content: sealReasoning([{
            type: "reasoning.text",
            text: "I thought.",
            signature: "signature-sentinel",
            format: "anthropic-claude-v1",
            index: 0,
          }]),
        },
        ...(responsesTurn([["call_a", "Oslo", "rain"]]).input as Request[]).slice(1),
      ],
    },
    arrives: (sent) => sent.includes("signature-sentinel") || sent.includes("I thought."),
  },
  {
    feature: "cache_control",
    chat: {
      messages: [{
        role: "user",
        content: [{ type: "text", text: "Hello", cache_control: { type: "ephemeral" } }],
      }],
    },
    messages: {
      ...claude,
      messages: [{
        role: "user",
        content: [{ type: "text", text: "Hello", cache_control: { type: "ephemeral" } }],
      }],
    },
    responses: {
      input: [{
        role: "user",
        content: [{ type: "input_text", text: "Hello", cache_control: { type: "ephemeral" } }],
      }],
    },
    arrives: matches(/cache_control|cachePoint/),
  },
  {
    feature: "max_tokens",
    chat: { ...base, max_completion_tokens: 4_321 },
    messages: { ...claude, max_tokens: 4_321 },
    responses: { input: "Hello", max_output_tokens: 4_321 },
    arrives: has("4321"),
  },
  {
    feature: "stop",
    chat: { ...base, stop: ["stop-sentinel"] },
    messages: { ...claude, stop_sequences: ["stop-sentinel"] },
    arrives: has("stop-sentinel"),
  },
  {
    feature: "temperature",
    chat: { ...base, temperature: 0.4321 },
    messages: { ...claude, temperature: 0.4321 },
    responses: { input: "Hello", temperature: 0.4321 },
    arrives: has("0.4321"),
  },
  {
    feature: "top_p",
    chat: { ...base, top_p: 0.8765 },
    messages: { ...claude, top_p: 0.8765 },
    responses: { input: "Hello", top_p: 0.8765 },
    arrives: has("0.8765"),
  },
  {
    feature: "top_k",
    chat: { ...base, top_k: 37 },
    messages: { ...claude, top_k: 37 },
    arrives: matches(/top_?k"?:37/i),
  },
  chatOnly("seed", { seed: 424_242 }, has("424242")),
  chatOnly("frequency_penalty", { frequency_penalty: 1.2345 }, has("1.2345")),
  chatOnly("presence_penalty", { presence_penalty: 1.5432 }, has("1.5432")),
  chatOnly("logit_bias", { logit_bias: { "50256": -77 } }, has("50256", "-77")),
  {
    ...chatOnly("logprobs", { logprobs: true, top_logprobs: 3 }, matches(/logprobs/i)),
    responses: { input: "Hello", top_logprobs: 3, include: ["message.output_text.logprobs"] },
  },
  chatOnly("n", { n: 2 }, matches(/"n":2|candidateCount":2|\}\n\{/)),
  {
    feature: "user",
    chat: { ...base, user: "user-sentinel" },
    messages: { ...claude, metadata: { user_id: "user-sentinel" } },
    responses: { input: "Hello", user: "user-sentinel" },
    arrives: has("user-sentinel"),
  },
  {
    ...chatOnly("service_tier", { service_tier: "flex" }, has("flex")),
    responses: { input: "Hello", service_tier: "flex" },
  },
  chatOnly(
    "prediction",
    { prediction: { type: "content", content: "prediction-sentinel" } },
    has("prediction-sentinel"),
  ),
  chatOnly(
    "audio_output",
    { modalities: ["text", "audio"], audio: { voice: "alloy", format: "wav" } },
    has("alloy"),
  ),
  {
    ...chatOnly(
      "web_search",
      { web_search_options: { search_context_size: "low" } },
      matches(/web_?search|google_?search/i),
    ),
    responses: { input: "Hello", tools: [{ type: "web_search", search_context_size: "low" }] },
  },
];
