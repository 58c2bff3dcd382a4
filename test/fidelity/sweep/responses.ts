/** What the sweep must know of Responses beyond its types. */
import { type Protocol, sample, type Silence } from "./protocol.ts";

const hello = { type: "message", role: "user", content: "Hello" };
const schema = (name: string) => ({
  type: "object",
  properties: { [name]: { type: "string" } },
  required: [name],
  additionalProperties: false,
});
const functionTool = (name: string) => ({ type: "function", name, parameters: schema("city"), strict: true });
const tools = [functionTool("sentinel-name"), functionTool("changed-name")];
const call = (id: string) => ({ type: "function_call", call_id: id, name: "sentinel-name", arguments: "{}" });
const custom = (id: string) => ({
  type: "custom_tool_call",
  call_id: id,
  name: "sentinel-name",
  input: "Hello",
});
const calls = [call("sentinel-call_id"), call("changed-call_id")];
const customCalls = [custom("sentinel-call_id"), custom("changed-call_id")];
const said = {
  type: "message",
  id: "msg_1",
  role: "assistant",
  content: [{ type: "output_text", text: "Good." }],
};
const named = (name: string) => ({ type: "function", name });
const fileForms = [
  { file_data: "data:application/pdf;base64,cGxhaW4=" },
  { file_id: "file-plain" },
  { file_url: "https://files.example/plain.pdf" },
];
const imageForms = [{ image_url: "https://files.example/plain.png" }, { file_id: "file-plain" }];
const png =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/** Items that were said before. */
const saidItem = "ResponseOutputMessage";
const heard = "ResponseInputItem.Message";
const thought = "ResponseReasoningItem";
const called = "ResponseFunctionToolCall";
const answered = "ResponseInputItem.FunctionCallOutput";
const exchanged = [called, answered, "ResponseCustomToolCall", "ResponseCustomToolCallOutput"];

function silentOf(
  owners: readonly string[],
  field: string,
  why: string,
  backends?: readonly string[],
): Record<string, Silence[]> {
  const silence = { why, ...(backends === undefined ? {} : { backends }) };
  return Object.fromEntries(owners.map((owner) => [`${owner}.${field}`, [silence]]));
}

export const responses: Protocol = {
  ingress: "responses",
  files: [
    "openai/resources/responses/responses.d.ts",
    "openai/resources/shared.d.ts",
  ],
  request: "ResponseCreateParams",
  base: { input: [hello], store: false },
  values: {
    temperature: sample(0.25, 0.5),
    top_p: sample(0.25, 0.5),
    top_logprobs: sample(3, 4),
    schema: sample(schema("sentinel"), schema("changed")),
    parameters: sample(schema("sentinel"), schema("changed")),
    arguments: sample('{"city":"sentinel"}', '{"city":"changed"}'),
    metadata: sample({ sentinel_key: "sentinel" }, { sentinel_key: "changed" }),
    image_url: sample(`data:image/png;base64,${png}`, `data:image/png;base64,${png.replace("AAAA", "BBBB")}`),
    file_data: sample("data:application/pdf;base64,c2VudGluZWw=", "data:application/pdf;base64,Y2hhbmdlZA=="),
    file_url: sample("https://files.example/sentinel.pdf", "https://files.example/changed.pdf"),
    "ResponseReasoningItem.Summary.text": sample("sentinel-summary", "changed-summary"),
    "ToolChoiceAllowed.tools": sample([named("sentinel-name")], [named("changed-name")]),
    file_id: sample("file-sentinel", "file-changed"),
  },
  needs: {
    "ResponseInputItem.FunctionCallOutput": { call_id: "sentinel-call_id" },
    "ResponseCreateParamsBase.parallel_tool_calls": { tools },
    "ResponseCreateParamsBase.tool_choice": { tools },
    "ResponseCreateParams.PromptCacheOptions": { mode: "explicit" },
    Reasoning: { effort: "low" },
    ResponseTextConfig: { verbosity: "low" },
  },
  frames: {
    "ResponseInputItem.FunctionCallOutput": { before: calls },
    ResponseCustomToolCallOutput: { before: customCalls },
    ResponseReasoningItem: { after: [said] },
  },
  contexts: {
    ResponseInputFile: fileForms,
    ResponseInputFileContent: fileForms,
    ResponseInputImage: imageForms,
    ResponseInputImageContent: imageForms,
    EasyInputMessage: [{ role: "user" }, { role: "assistant" }, { role: "system" }],
    "ResponseInputItem.Message": [{ role: "user" }, { role: "system" }],
  },
  silent: {
    "ResponseInputImageContent.detail": [{ values: ["auto"], why: "every backend decides for itself" }],
    ...silentOf([saidItem, thought, ...exchanged], "id", "it names nothing at a backend that keeps nothing"),
    ...silentOf([saidItem, heard, thought, called, answered], "status", "what is said is said"),
    "EasyInputMessage.type": [{ why: "an item with a role is a message" }],
    "ResponseInputItem.Message.type": [{ why: "an item with a role is a message" }],
    "EasyInputMessage.role": [{ values: ["developer"], why: "it is the newer name of system" }],
    "ResponseInputItem.Message.role": [{ values: ["developer"], why: "it is the newer name of system" }],
    ...silentOf(exchanged, "caller", "the model is the caller"),
    ...silentOf(exchanged, "call_id", "it knows results by name and order", ["vertex"]),
    "ResponseReasoningItem.encrypted_content": [{
      backends: ["ollama-native", "deepseek"],
      why: "it seals the words, which went on",
    }],
    "ResponseCreateParamsBase.include": [{
      values: ["reasoning.encrypted_content"],
      why: "it is given in any case",
    }],
    "ResponseCreateParamsBase.truncation": [{ values: ["disabled"], why: "the protocol's own default" }],
    "ResponseCreateParamsBase.tool_choice": [{ values: ["auto"], why: "the model chooses" }],
    "ResponseCreateParamsBase.service_tier": [{ values: ["auto", "default"], why: "there is one tier" }],
    "CustomTool.format": [{ why: "any text is what a tool of this kind takes" }],
    "ResponseTextConfig.format": [{ why: "answers are text" }],
    "ResponseTextConfig.verbosity": [{ values: ["medium"], why: "the protocol's own default" }],
    "Reasoning.effort": [{
      values: ["none"],
      backends: ["anthropic", "bedrock"],
      why: "these models think when they are told to",
    }],
    "ResponseFormatTextJSONSchemaConfig.name": [{
      backends: ["anthropic", "gemini", "vertex", "ollama-native"],
      why: "a label of the client's own; the schema says what the answer is",
    }],
    "ResponseFormatTextJSONSchemaConfig.strict": [{
      backends: ["anthropic", "bedrock", "gemini", "vertex", "ollama-native"],
      why: "answers are held to their schema in any case",
    }],
  },
  kept: {
    "ResponseCreateParamsBase.model": "the gateway chooses by it",
    "ResponseCreateParamsNonStreaming.stream": "the answer comes whole",
    "ResponseCreateParamsStreaming.stream": "the answer comes in pieces",
    "ResponseCreateParamsBase.store": "the gateway itself keeps responses",
    "ResponseCreateParamsBase.previous_response_id": "the gateway itself keeps responses",
    "ResponseCreateParamsBase.metadata": "the response has it",
    "ResponseCreateParamsBase.stream_options": "the gateway itself counts, and pads nothing",
  },
  native: {
    backend: "openai",
    refused: {
      "ResponseCreateParamsBase.background": "no response runs without a client that waits for it",
      "ResponseCreateParamsBase.conversation": "conversations are kept by their responses",
      "ResponseConversationParam.id": "conversations are kept by their responses",
      "ResponseInputItem.ItemReference": "there is no such item; a test of its own refers to some that are",
    },
  },
  headers: {},
  aliases: {
    ResponseTextConfig: ["verbosity"],
    "ResponseReasoningItem.encrypted_content": ["reasoning_details"],
    ResponseInputFile: ["file"],
    ResponseInputFileContent: ["file"],
    "ResponseCreateParamsBase.include": ["logprobs"],
    "Reasoning.generate_summary": ["summary"],
    ttl: ["prompt_cache_breakpoint"],
  },
};
