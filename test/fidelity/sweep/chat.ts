/** What the sweep must know of Chat Completions beyond its types. */
import { type Protocol, sample } from "./protocol.ts";

const hello = { role: "user", content: "Hello" };
const parameters = { type: "object", properties: { sentinel_city: { type: "string" } } };
const functionTool = (name: string) => ({ type: "function", function: { name, parameters } });
const tools = [functionTool("sentinel-name"), functionTool("changed-name")];
const functions = tools.map((tool) => tool.function);
const named = (name: string) => ({ type: "function", function: { name } });
const call = {
  id: "sentinel-tool_call_id",
  ...functionTool("sentinel-name"),
  function: { name: "sentinel-name", arguments: "{}" },
};
const otherCall = { ...call, id: "changed-tool_call_id" };
const asked = { role: "assistant", content: null, tool_calls: [call, otherCall] };
const askedOld = {
  role: "assistant",
  content: null,
  function_call: { name: "sentinel-name", arguments: "{}" },
};
const askedOldAgain = {
  role: "assistant",
  content: null,
  function_call: { name: "changed-name", arguments: "{}" },
};
const schema = (name: string) => ({
  type: "object",
  properties: { [name]: { type: "string" } },
  required: [name],
  additionalProperties: false,
});
const png =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

export const chat: Protocol = {
  ingress: "chat",
  files: ["openai/resources/chat/completions/completions.d.ts", "openai/resources/shared.d.ts"],
  request: "ChatCompletionCreateParams",
  base: { messages: [hello] },
  values: {
    frequency_penalty: sample(1.25, 1.5),
    presence_penalty: sample(1.25, 1.5),
    temperature: sample(0.25, 0.5),
    top_p: sample(0.25, 0.5),
    n: sample(2, 3),
    top_logprobs: sample(3, 4),
    logit_bias: sample({ "50256": -77 }, { "50256": -78 }),
    stop: sample(["sentinel"], ["changed"]),
    schema: sample(schema("sentinel"), schema("changed")),
    parameters: sample(schema("sentinel"), schema("changed")),
    arguments: sample('{"city":"sentinel"}', '{"city":"changed"}'),
    metadata: sample({ sentinel_key: "sentinel" }, { sentinel_key: "changed" }),
    "ChatCompletionContentPartImage.ImageURL.url": sample(
      `data:image/png;base64,${png}`,
      `data:image/png;base64,${png.replace("AAAA", "BBBB")}`,
    ),
    "ChatCompletionContentPart.File.File.file_data": sample(
      "data:application/pdf;base64,c2VudGluZWw=",
      "data:application/pdf;base64,Y2hhbmdlZA==",
    ),
    "ChatCompletionContentPart.File.File.file_id": sample("file-sentinel", "file-changed"),
    "ChatCompletionContentPartInputAudio.InputAudio.data": sample("c2VudGluZWw=", "Y2hhbmdlZA=="),
    "ChatCompletionAllowedTools.tools": sample([named("sentinel-name")], [named("changed-name")]),
  },
  needs: {
    ChatCompletionAssistantMessageParam: { content: "Hello" },
    "ChatCompletionCreateParamsBase.parallel_tool_calls": { tools },
    "ChatCompletionCreateParamsBase.tool_choice": { tools },
    "ChatCompletionCreateParamsBase.function_call": { functions },
    "ChatCompletionCreateParamsBase.top_logprobs": { logprobs: true },
    "ChatCompletionContentPart.File.File": { file_data: "data:application/pdf;base64,cGxhaW4=" },
    "ChatCompletionContentPart.File.File.file_id": { file_data: undefined },
    "ChatCompletionCreateParams.PromptCacheOptions": { mode: "explicit" },
    "ResponseFormatJSONSchema.JSONSchema": { schema: schema("plain") },
    "ChatCompletionCreateParams.WebSearchOptions.UserLocation.Approximate": { city: "Oslo" },
  },
  frames: {
    ChatCompletionToolMessageParam: { before: [asked] },
    ChatCompletionFunctionMessageParam: { before: [askedOld, askedOldAgain] },
    "ChatCompletionAssistantMessageParam.tool_calls": { request: { tools } },
  },
  contexts: {},
  silent: {
    "ChatCompletionContentPartImage.ImageURL.detail": [{
      values: ["auto"],
      why: "every backend decides for itself",
    }],
    "ChatCompletionContentPartInputAudio.InputAudio.format": [{
      backends: ["mistral"],
      why: "it looks at the sound itself",
    }],
    "ChatCompletionMessageFunctionToolCall.id": [{
      backends: ["vertex"],
      why: "it knows results by name and order",
    }],
    "ChatCompletionMessageCustomToolCall.id": [{
      backends: ["vertex"],
      why: "it knows results by name and order",
    }],
    "ChatCompletionCustomTool.Custom.format": [{ why: "any text is what a custom tool takes" }],
    "ChatCompletionToolMessageParam.tool_call_id": [{
      backends: ["vertex"],
      why: "it knows results by name and order",
    }],
    "ChatCompletionCreateParamsBase.modalities": [{ values: ["text"], why: "answers are text" }],
    "ResponseFormatJSONSchema.JSONSchema.name": [{
      backends: ["anthropic", "gemini", "vertex", "ollama-native"],
      why: "a label of the client's own; the schema says what the answer is",
    }],
    "ResponseFormatJSONSchema.JSONSchema.strict": [{
      backends: ["anthropic", "bedrock", "gemini", "vertex", "ollama-native"],
      why: "answers are held to their schema in any case",
    }],
    "ChatCompletionCreateParamsBase.response_format": [{ why: "answers are text" }],
    "ChatCompletionCreateParamsBase.function_call": [{ values: ["auto"], why: "the model chooses" }],
    "ChatCompletionCreateParamsBase.tool_choice": [{ values: ["auto"], why: "the model chooses" }],
    "ChatCompletionCreateParamsBase.verbosity": [{ values: ["medium"], why: "the protocol's own default" }],
    "ChatCompletionCreateParamsBase.service_tier": [{
      values: ["auto", "default"],
      why: "there is one tier",
    }],
    "ChatCompletionCreateParamsBase.reasoning_effort": [{
      values: ["none"],
      backends: ["anthropic", "bedrock"],
      why: "these models think when they are told to",
    }],
    "ChatCompletionCreateParams.WebSearchOptions.search_context_size": [{
      values: ["medium"],
      why: "the protocol's own default",
    }],
  },
  kept: {
    "ChatCompletionCreateParamsBase.model": "the gateway chooses by it",
    "ChatCompletionCreateParamsNonStreaming.stream": "the answer comes whole",
    "ChatCompletionCreateParamsStreaming.stream": "the answer comes in pieces",
    "ChatCompletionCreateParamsBase.stream_options": "the gateway itself counts, and pads nothing",
  },
  native: { backend: "openai-compatible", refused: {} },
  headers: {},
  aliases: {},
};
