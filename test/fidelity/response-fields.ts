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

const openAiResponses = "openai/resources/responses/responses.d.ts";

const user = { role: "user", content: "Hello" };
const text = (value: unknown = "sentinel-text"): FieldCase => ({ value });
const structure = (reason: string): FieldCase => ({ structure: reason });
const feature = (name: ChatFeature): FieldCase => ({ feature: name });
const own = structure("the gateway's own business");
const shape = structure("says what the rest is");

const parameters = { type: "object", properties: { city: { type: "string" } } };
const png =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const breakpoint: FieldCase = {
  value: { mode: "explicit", id: "sentinel-breakpoint" },
  find: /sentinel-breakpoint|cache_control|cachePoint/,
  hint: true,
};

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
      // Backends that take bytes only are given what was downloaded.
      file_url: { value: "https://files.example/sentinel-file.pdf", find: /sentinel-file|iVBORw0KGgo/ },
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
