/**
 * Every field of the request types of OpenAI's and Anthropic's own clients, with a value that can be found again. `sweep.test.ts` sends
 * each to every backend, and holds this list against the clients' type declarations.
 */
import type { ChatFeature } from "intellirouter/plugin";
import type { Ingress } from "./matrix.ts";

type Request = Record<string, unknown>;

/** What to send for a field, and how it shows in what a backend is sent; or why it is not sent here. */
export type FieldCase =
  | {
    readonly value: unknown;
    /** The word `sentinel-…` in the value when absent. */
    readonly find?: RegExp;
    /**
     * It says nothing about the answer: bookkeeping, or a hint for a cache. Backends that have nothing like it are not told, and the
     * client is not either.
     */
    readonly hint?: true;
    /** Further fields of the request without which the field makes no sense. */
    readonly with?: Request;
  }
  | { readonly feature: ChatFeature }
  | { readonly structure: string };

export interface RequestType {
  readonly ingress: Ingress;
  /** Below node_modules. */
  readonly declaration: string;
  readonly name: string;
  /** A whole request but for the model, with this field in its place. */
  place(fields: Request): Request;
  readonly fields: Readonly<Record<string, FieldCase>>;
}

const openAiChat = "openai/resources/chat/completions/completions.d.ts";
const openAiResponses = "openai/resources/responses/responses.d.ts";
const anthropicMessages = "@anthropic-ai/sdk/resources/messages/messages.d.ts";
const anthropicBeta = "@anthropic-ai/sdk/resources/beta/messages/messages.d.ts";

const user = { role: "user", content: "Hello" };
const text = (value: unknown = "sentinel-text"): FieldCase => ({ value });
const structure = (reason: string): FieldCase => ({ structure: reason });
const feature = (name: ChatFeature): FieldCase => ({ feature: name });
const own = structure("the gateway's own business");
const shape = structure("says what the rest is");

const parameters = { type: "object", properties: { city: { type: "string" } } };
const chatTool = { type: "function", function: { name: "weather", description: "Tells.", parameters } };
const claudeTool = { name: "weather", description: "Tells.", input_schema: parameters };
const png =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const ephemeral = { type: "ephemeral", ttl: "1h" };
const breakpoint: FieldCase = {
  value: { mode: "explicit", id: "sentinel-breakpoint" },
  find: /sentinel-breakpoint|cache_control|cachePoint/,
  hint: true,
};
const cacheMark: FieldCase = { value: ephemeral, find: /cache_control|cachePoint/ };

const chatWithCall = (assistant: Request, tool: Request = {}): Request => ({
  tools: [chatTool],
  messages: [
    user,
    {
      role: "assistant",
      content: null,
      tool_calls: [{
        id: "call_1",
        type: "function",
        function: { name: "weather", arguments: '{"city":"Oslo"}' },
      }],
      ...assistant,
    },
    { role: "tool", tool_call_id: "call_1", content: "rain", ...tool },
  ],
});
const chatPart = (part: Request) => (fields: Request): Request => ({
  messages: [{ role: "user", content: [{ type: "text", text: "Look." }, { ...part, ...fields }] }],
});
const claudeBlock = (block: Request) => (fields: Request): Request => ({
  max_tokens: 100,
  messages: [{ role: "user", content: [{ type: "text", text: "Look." }, { ...block, ...fields }] }],
});
const claudeTurn = (use: Request, result: Request): Request => ({
  max_tokens: 100,
  tools: [claudeTool],
  messages: [
    user,
    {
      role: "assistant",
      content: [{ type: "tool_use", id: "toolu_1", name: "weather", input: { city: "Oslo" }, ...use }],
    },
    { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_1", content: "rain", ...result }] },
  ],
});
const responsesPart = (part: Request) => (fields: Request): Request => ({
  input: [{
    type: "message",
    role: "user",
    content: [{ type: "input_text", text: "Look." }, { ...part, ...fields }],
  }],
});
const responsesCall = (call: Request) => (fields: Request): Request => ({
  tools: [{ type: "function", name: "weather", description: "Tells.", parameters, strict: false }],
  input: [
    user,
    {
      type: "function_call",
      call_id: "call_1",
      name: "weather",
      arguments: '{"city":"Oslo"}',
      ...call,
      ...fields,
    },
    { type: "function_call_output", call_id: "call_1", output: "rain" },
  ],
});

export const requestTypes: readonly RequestType[] = [
  {
    ingress: "chat",
    declaration: openAiChat,
    name: "ChatCompletionCreateParamsBase",
    place: (fields) => ({ messages: [user], ...fields }),
    fields: {
      messages: shape,
      model: own,
      stream: own,
      stream_options: own,
      audio: { value: { voice: "sentinel-voice", format: "wav" }, with: { modalities: ["text", "audio"] } },
      modalities: { value: ["text", "audio"], find: /modalities|MODALIT/ },
      frequency_penalty: { value: 0.123, find: /0\.123/ },
      presence_penalty: { value: 0.124, find: /0\.124/ },
      function_call: feature("tools"),
      functions: feature("tools"),
      logit_bias: { value: { 4711: 12 }, find: /4711/ },
      logprobs: { value: true, find: /logprobs|Logprobs/ },
      top_logprobs: { value: 7, find: /[lL]ogprobs"?:7/, with: { logprobs: true } },
      max_completion_tokens: { value: 1234, find: /1234/ },
      max_tokens: { value: 1235, find: /1235/ },
      metadata: { value: { ticket: "sentinel-metadata" }, hint: true },
      moderation: { value: { model: "sentinel-moderation" } },
      n: { value: 2, find: /./ },
      parallel_tool_calls: { value: false, find: /parallel/, with: { tools: [chatTool] } },
      prediction: { value: { type: "content", content: "sentinel-prediction" } },
      prompt_cache_key: { value: "sentinel-cache-key", hint: true },
      prompt_cache_options: { value: { mode: "sentinel-cache-options" } },
      prompt_cache_retention: { value: "24h", find: /24h/, hint: true },
      reasoning_effort: { value: "high", find: /high|HIGH|think|budget/i },
      response_format: feature("json_schema"),
      safety_identifier: { value: "sentinel-safety", hint: true },
      seed: { value: 471_147, find: /471147/ },
      service_tier: { value: "flex", find: /flex/ },
      stop: { value: ["sentinel-stop"] },
      store: { value: true, find: /"store":true/, hint: true },
      temperature: { value: 0.125, find: /0\.125/ },
      tool_choice: {
        value: { type: "function", function: { name: "weather" } },
        find: /tool_?[cC]|any|ANY/,
        with: { tools: [chatTool] },
      },
      tools: feature("tools"),
      top_p: { value: 0.126, find: /0\.126/ },
      user: text("sentinel-user"),
      verbosity: { value: "low", find: /"low"/ },
      web_search_options: {
        value: {
          search_context_size: "low",
          user_location: { type: "approximate", approximate: { city: "sentinel-city" } },
        },
      },
    },
  },
  {
    ingress: "chat",
    declaration: openAiChat,
    name: "ChatCompletionUserMessageParam",
    place: (fields) => ({ messages: [{ ...user, ...fields }] }),
    fields: { role: shape, content: text(), name: text("sentinel-name") },
  },
  {
    ingress: "chat",
    declaration: openAiChat,
    name: "ChatCompletionAssistantMessageParam",
    place: (fields) => ({ messages: [user, { role: "assistant", content: "Hi.", ...fields }, user] }),
    fields: {
      role: shape,
      content: text(),
      name: text("sentinel-name"),
      audio: { value: { id: "sentinel-audio" } },
      function_call: { value: { name: "sentinel-call", arguments: "{}" } },
      refusal: { value: "sentinel-refusal", with: { content: null } },
      tool_calls: feature("tools"),
    },
  },
  {
    ingress: "chat",
    declaration: openAiChat,
    name: "ChatCompletionToolMessageParam",
    place: (fields) => chatWithCall({}, fields),
    fields: { role: shape, content: text(), tool_call_id: feature("tool_results") },
  },
  {
    ingress: "chat",
    declaration: openAiChat,
    name: "ChatCompletionContentPartText",
    place: chatPart({ type: "text", text: "There." }),
    fields: { type: shape, text: text(), prompt_cache_breakpoint: breakpoint },
  },
  {
    ingress: "chat",
    declaration: openAiChat,
    name: "ChatCompletionContentPartImage",
    place: chatPart({ type: "image_url", image_url: { url: `data:image/png;base64,${png}` } }),
    fields: { type: shape, image_url: feature("image_data"), prompt_cache_breakpoint: breakpoint },
  },
  {
    ingress: "chat",
    declaration: openAiChat,
    name: "ChatCompletionFunctionTool",
    place: (fields) => ({ messages: [user], tools: [{ ...chatTool, ...fields }] }),
    fields: {
      type: shape,
      function: { value: { ...chatTool.function, description: "sentinel-description", strict: true } },
    },
  },
  {
    ingress: "messages",
    declaration: anthropicBeta,
    name: "MessageCreateParamsBase",
    place: (fields) => ({ max_tokens: 100, messages: [user], ...fields }),
    fields: {
      messages: shape,
      model: own,
      stream: own,
      betas: structure("the client sends it as the header anthropic-beta"),
      workspace_id: structure("the client sends it as a header"),
      max_tokens: { value: 1236, find: /1236/ },
      billing_policy: text("sentinel-billing"),
      cache_control: cacheMark,
      compaction: { value: { mode: "sentinel-compaction" } },
      container: text("sentinel-container"),
      context_management: { value: { edits: [{ type: "sentinel-edit" }] } },
      diagnostics: { value: { previous_message_id: "sentinel-diagnostics" } },
      fallback_credit_token: text("sentinel-credit"),
      fallbacks: { value: [{ model: "sentinel-fallback" }] },
      inference_geo: text("sentinel-geo"),
      mcp_servers: { value: [{ type: "url", name: "sentinel-mcp", url: "https://mcp.example" }] },
      metadata: { value: { user_id: "sentinel-user" } },
      output_config: {
        value: {
          effort: "low",
          format: { type: "json_schema", schema: { type: "object", title: "sentinel-schema" } },
        },
      },
      output_format: { value: { type: "json_schema", schema: { type: "object", title: "sentinel-schema" } } },
      service_tier: { value: "standard_only", find: /standard_only|"default"/, hint: true },
      speed: { value: "fast", find: /"fast"/ },
      stop_sequences: { value: ["sentinel-stop"] },
      system: text("sentinel-system"),
      thinking: {
        value: { type: "enabled", budget_tokens: 2_345 },
        find: /2345|think|reason|effort/i,
        with: { max_tokens: 5_000 },
      },
      thread: { value: { id: "sentinel-thread" } },
      tool_choice: { value: { type: "any" }, find: /any|ANY|required/, with: { tools: [claudeTool] } },
      tools: feature("tools"),
      user_profile_id: text("sentinel-profile"),
    },
  },
  {
    ingress: "messages",
    declaration: anthropicMessages,
    name: "MessageCreateParamsBase",
    place: (fields) => ({ max_tokens: 100, messages: [user], ...fields }),
    fields: Object.fromEntries(
      "max_tokens messages model cache_control container diagnostics inference_geo metadata output_config service_tier speed stop_sequences stream system thinking tool_choice tools user_profile_id workspace_id"
        .split(" ").map((name) => [name, structure("sent as a field of the beta's")]),
    ),
  },
  {
    ingress: "messages",
    declaration: anthropicMessages,
    name: "TextBlockParam",
    place: claudeBlock({ type: "text", text: "There." }),
    fields: {
      type: shape,
      text: text(),
      cache_control: cacheMark,
      citations: {
        value: [{
          type: "char_location",
          cited_text: "sentinel-cited",
          document_index: 0,
          document_title: "t",
          start_char_index: 0,
          end_char_index: 3,
        }],
      },
    },
  },
  {
    ingress: "messages",
    declaration: anthropicMessages,
    name: "ImageBlockParam",
    place: claudeBlock({ type: "image", source: { type: "base64", media_type: "image/png", data: png } }),
    fields: {
      type: shape,
      source: { value: { type: "file", file_id: "sentinel-file" } },
      cache_control: cacheMark,
      transformations: { value: [{ type: "sentinel-transformation" }] },
    },
  },
  {
    ingress: "messages",
    declaration: anthropicMessages,
    name: "DocumentBlockParam",
    place: claudeBlock({
      type: "document",
      source: { type: "text", media_type: "text/plain", data: "A text." },
    }),
    fields: {
      type: shape,
      source: {
        value: { type: "text", media_type: "text/plain", data: "sentinel-source" },
        find: /sentinel-source|c2VudGluZWwtc291cmNl/,
      },
      cache_control: cacheMark,
      citations: { value: { enabled: true }, find: /citations/ },
      context: text("sentinel-context"),
      title: text("sentinel-title"),
    },
  },
  {
    ingress: "messages",
    declaration: anthropicMessages,
    name: "SearchResultBlockParam",
    place: claudeBlock({
      type: "search_result",
      title: "T",
      source: "https://s.example",
      content: [{ type: "text", text: "Found." }],
    }),
    fields: {
      type: shape,
      content: { value: [{ type: "text", text: "sentinel-found" }] },
      source: text("https://sentinel-source.example"),
      title: text("sentinel-title"),
      cache_control: cacheMark,
      citations: { value: { enabled: true }, find: /citations/ },
    },
  },
  {
    ingress: "messages",
    declaration: anthropicMessages,
    name: "ToolUseBlockParam",
    place: (fields) => claudeTurn(fields, {}),
    fields: {
      type: shape,
      id: feature("tool_results"),
      name: feature("tools"),
      input: { value: { city: "sentinel-input" } },
      cache_control: cacheMark,
      caller: { value: { type: "sentinel-caller", tool_id: "t" } },
      toolset_name: text("sentinel-toolset"),
    },
  },
  {
    ingress: "messages",
    declaration: anthropicMessages,
    name: "ToolResultBlockParam",
    place: (fields) => claudeTurn({}, fields),
    fields: {
      type: shape,
      tool_use_id: feature("tool_results"),
      cache_control: cacheMark,
      content: { value: [{ type: "text", text: "sentinel-content" }] },
      is_error: { value: true, find: /is_error|error|fail/i },
      toolset_name: text("sentinel-toolset"),
    },
  },
  {
    ingress: "messages",
    declaration: anthropicMessages,
    name: "Tool",
    place: (fields) => ({ max_tokens: 100, messages: [user], tools: [{ ...claudeTool, ...fields }] }),
    fields: {
      input_schema: {
        value: { type: "object", properties: { sentinel_city: { type: "string" } } },
        find: /sentinel_city/,
      },
      name: text("sentinel-tool"),
      allowed_callers: { value: ["sentinel-caller"] },
      cache_control: cacheMark,
      defer_loading: { value: true, find: /defer_loading/ },
      description: text("sentinel-description"),
      eager_input_streaming: { value: true, find: /eager_input_streaming/ },
      input_examples: { value: [{ city: "sentinel-example" }] },
      strict: { value: true, find: /strict|VALIDATED/ },
      type: shape,
    },
  },
  {
    ingress: "responses",
    declaration: openAiResponses,
    name: "ResponseCreateParamsBase",
    place: (fields) => ({ input: [user], ...fields }),
    fields: {
      input: shape,
      model: own,
      stream: own,
      stream_options: own,
      store: own,
      previous_response_id: own,
      background: structure("refused before anything is sent"),
      conversation: structure("refused before anything is sent"),
      access_programs: { value: ["sentinel-program"] },
      context_management: { value: [{ type: "sentinel-edit" }] },
      image: { value: { model: "sentinel-image" } },
      include: { value: ["sentinel-include"] },
      instructions: text("sentinel-instructions"),
      max_output_tokens: { value: 1237, find: /1237/ },
      max_tool_calls: { value: 17, find: /"max_tool_calls":17/ },
      metadata: structure("kept by the gateway with the response"),
      moderation: { value: { model: "sentinel-moderation" } },
      parallel_tool_calls: {
        value: false,
        find: /parallel/,
        with: { tools: [{ type: "function", name: "weather", parameters, strict: false }] },
      },
      prompt: { value: { id: "sentinel-prompt" } },
      prompt_cache_key: { value: "sentinel-cache-key", hint: true },
      prompt_cache_options: { value: { mode: "sentinel-cache-options" } },
      prompt_cache_retention: { value: "24h", find: /24h/, hint: true },
      reasoning: { value: { effort: "high", summary: "auto" }, find: /high|HIGH|think|budget/i },
      safety_identifier: { value: "sentinel-safety", hint: true },
      service_tier: { value: "flex", find: /flex/ },
      temperature: { value: 0.125, find: /0\.125/ },
      text: { value: { verbosity: "low" }, find: /"low"/ },
      tool_choice: {
        value: "required",
        find: /required|any|ANY/,
        with: { tools: [{ type: "function", name: "weather", parameters, strict: false }] },
      },
      tools: feature("tools"),
      top_logprobs: { value: 7, find: /[lL]ogprobs"?:7/ },
      top_p: { value: 0.126, find: /0\.126/ },
      truncation: { value: "auto", find: /truncation/ },
      user: text("sentinel-user"),
    },
  },
  {
    ingress: "responses",
    declaration: openAiResponses,
    name: "EasyInputMessage",
    place: (fields) => ({
      input: [user, { role: "assistant", content: "Hi.", type: "message", ...fields }, user],
    }),
    fields: { content: text(), role: shape, type: shape, phase: { value: "commentary", find: /commentary/ } },
  },
  {
    ingress: "responses",
    declaration: openAiResponses,
    name: "ResponseInputText",
    place: responsesPart({ type: "input_text", text: "There." }),
    fields: { type: shape, text: text(), prompt_cache_breakpoint: breakpoint },
  },
  {
    ingress: "responses",
    declaration: openAiResponses,
    name: "ResponseInputImage",
    place: responsesPart({ type: "input_image", detail: "auto", image_url: `data:image/png;base64,${png}` }),
    fields: {
      type: shape,
      detail: { value: "low", find: /low/i },
      file_id: { value: "sentinel-file", with: {} },
      image_url: feature("image_data"),
      prompt_cache_breakpoint: breakpoint,
    },
  },
  {
    ingress: "responses",
    declaration: openAiResponses,
    name: "ResponseInputFile",
    place: responsesPart({ type: "input_file" }),
    fields: {
      type: shape,
      detail: structure("asked for together with file_data"),
      file_data: structure("covered by the feature file_data"),
      file_id: text("sentinel-file"),
      file_url: text("https://files.example/sentinel-file.pdf"),
      filename: structure("covered by the feature file_data"),
      prompt_cache_breakpoint: structure("asked for together with input_text"),
    },
  },
  {
    ingress: "responses",
    declaration: openAiResponses,
    name: "ResponseFunctionToolCall",
    place: responsesCall({}),
    fields: {
      type: shape,
      arguments: text('{"city":"sentinel-city"}'),
      call_id: feature("tool_results"),
      name: feature("tools"),
      id: own,
      status: own,
      async: { value: true, find: /"async":true/ },
      caller: { value: { type: "sentinel-caller" } },
      namespace: text("sentinel-namespace"),
    },
  },
  {
    ingress: "responses",
    declaration: openAiResponses,
    name: "ResponseOutputMessage",
    place: (fields) => ({
      input: [user, {
        type: "message",
        id: "msg_1",
        role: "assistant",
        status: "completed",
        content: [{ type: "output_text", text: "Hi.", annotations: [] }],
        ...fields,
      }, user],
    }),
    fields: {
      type: shape,
      id: own,
      role: shape,
      status: own,
      content: {
        value: [{
          type: "output_text",
          text: "Hi.",
          annotations: [{
            type: "url_citation",
            url: "https://sentinel-cited.example",
            title: "t",
            start_index: 0,
            end_index: 1,
          }],
        }],
      },
      phase: { value: "commentary", find: /commentary/ },
    },
  },
  {
    ingress: "responses",
    declaration: openAiResponses,
    name: "FunctionTool",
    place: (fields) => ({
      input: [user],
      tools: [{ type: "function", name: "weather", parameters, strict: false, ...fields }],
    }),
    fields: {
      type: shape,
      name: { value: "sentinel_tool", find: /sentinel_tool/ },
      parameters: {
        value: { type: "object", properties: { sentinel_city: { type: "string" } } },
        find: /sentinel_city/,
      },
      strict: { value: true, find: /strict|VALIDATED/ },
      allowed_callers: { value: ["sentinel-caller"] },
      async: { value: true, find: /"async":true/ },
      defer_loading: { value: true, find: /defer_loading/ },
      description: text("sentinel-description"),
      output_schema: { value: { type: "object", title: "sentinel-output" } },
    },
  },
];
