/** The backends of the matrix: how each is made, and an answer in its own protocol. */
import type { AnyPlugin } from "intellirouter/plugin";
import openAiCompatible from "../../plugins/providers/openai-compatible/index.ts";
import openai from "../../plugins/providers/openai.ts";
import openrouter from "../../plugins/providers/openrouter.ts";
import anthropic from "../../plugins/providers/anthropic/index.ts";
import gemini from "../../plugins/providers/gemini/index.ts";
import vertex from "../../plugins/providers/vertex/index.ts";
import azureOpenAi from "../../plugins/providers/azure-openai/index.ts";
import bedrock from "../../plugins/providers/bedrock/index.ts";
import mistral from "../../plugins/providers/mistral/index.ts";
import ollamaNative from "../../plugins/providers/ollama-native/index.ts";
import deepseek from "../../plugins/providers/deepseek.ts";

export interface Backend {
  readonly name: string;
  readonly plugin: AnyPlugin;
  readonly options: Readonly<Record<string, unknown>>;
  readonly secrets: Readonly<Record<string, string>>;
  readonly model: string;
  /** A whole answer to a chat. */
  readonly answer: unknown;
  /** What its own reasoning is called, where that is not what the features have. */
  readonly reasoningFormat?: string;
}

const chatAnswer = {
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1_700_000_000,
  model: "m",
  choices: [{
    index: 0,
    message: { role: "assistant", content: "Hi.", refusal: null },
    logprobs: null,
    finish_reason: "stop",
  }],
  usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
};

const messageAnswer = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "claude",
  content: [{ type: "text", text: "Hi." }],
  stop_reason: "end_turn",
  stop_sequence: null,
  usage: { input_tokens: 3, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 2 },
};

const converseAnswer = {
  output: { message: { role: "assistant", content: [{ text: "Hi." }] } },
  stopReason: "end_turn",
  usage: { inputTokens: 3, outputTokens: 2, totalTokens: 5 },
};

const geminiAnswer = {
  candidates: [{ content: { parts: [{ text: "Hi." }], role: "model" }, finishReason: "STOP", index: 0 }],
  usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 2, totalTokenCount: 5 },
};

const ollamaAnswer = {
  model: "m",
  created_at: "2026-11-01T12:00:00Z",
  message: { role: "assistant", content: "Hi." },
  done: true,
  done_reason: "stop",
  prompt_eval_count: 3,
  eval_count: 2,
};

/** What every backend answers that speaks the Responses protocol. */
export const responseAnswer = {
  id: "resp_1",
  object: "response",
  created_at: 1_700_000_000,
  status: "completed",
  model: "m",
  output: [{
    id: "msg_1",
    type: "message",
    role: "assistant",
    status: "completed",
    content: [{ type: "output_text", text: "Hi.", annotations: [] }],
  }],
  usage: {
    input_tokens: 3,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: 2,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 5,
  },
};

const secrets = { api_key: "test-key" };

export const backends: readonly Backend[] = [
  {
    name: "openai-compatible",
    plugin: openAiCompatible,
    options: { base_url: "http://backend.example/v1" },
    secrets,
    model: "m",
    answer: chatAnswer,
  },
  {
    name: "anthropic",
    plugin: anthropic,
    options: {},
    secrets,
    model: "claude-opus-4-5",
    answer: messageAnswer,
  },
  {
    name: "bedrock",
    plugin: bedrock,
    options: {},
    secrets,
    model: "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    answer: converseAnswer,
  },
  {
    name: "gemini",
    plugin: gemini,
    options: {},
    secrets,
    model: "gemini-3-flash-preview",
    answer: geminiAnswer,
    reasoningFormat: "google-gemini-v1",
  },
  {
    name: "vertex",
    plugin: vertex,
    options: { project: "p" },
    secrets: { access_token: "test-token" },
    model: "gemini-2.5-flash",
    answer: geminiAnswer,
    reasoningFormat: "google-gemini-v1",
  },
  {
    name: "mistral",
    plugin: mistral,
    options: {},
    secrets,
    model: "mistral-medium-latest",
    answer: chatAnswer,
    reasoningFormat: "mistral-v1",
  },
  {
    name: "ollama-native",
    plugin: ollamaNative,
    options: {},
    secrets: {},
    model: "qwen3",
    answer: ollamaAnswer,
    reasoningFormat: "",
  },
  {
    name: "azure-openai",
    plugin: azureOpenAi,
    options: { base_url: "https://resource.openai.azure.com" },
    secrets,
    model: "gpt-4o",
    answer: chatAnswer,
  },
  { name: "openai", plugin: openai, options: {}, secrets, model: "gpt-5.1", answer: chatAnswer },
  { name: "openrouter", plugin: openrouter, options: {}, secrets, model: "m", answer: chatAnswer },
  { name: "deepseek", plugin: deepseek, options: {}, secrets, model: "deepseek-chat", answer: chatAnswer },
];
