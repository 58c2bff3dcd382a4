import type {
  ChatCapability,
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionRequest,
  ToolCall,
  ToolCallDelta,
} from "intellirouter/plugin";
import { changeFrames } from "./change-frames.ts";
import { inputArgument, InputReader, unwrapInput, wrapInput } from "./custom-input.ts";
import { asObject, asText, given, isObject, type Loose, objectsOf } from "./loose.ts";
import { loseTo } from "./losses.ts";

type ToolChoice = ChatCompletionRequest["tool_choice"];

/**
 * Serves OpenAI's custom tools, whose input is plain text, for backends that know functions only: as functions with one text argument. The
 * client gets its calls as it knows them, with the text.
 */
export function withCustomTools(chat: ChatCapability): ChatCapability {
  return {
    async complete(request, context) {
      const names = customNames(request);
      if (!hasCustom(request, names)) return chat.complete(request, context);
      const result = await chat.complete(asFunctions(request, loseTo(context.reportLoss)), context);
      return { ...result, body: customAnswer(result.body, names) };
    },
    async stream(request, context) {
      const names = customNames(request);
      if (!hasCustom(request, names)) return chat.stream(request, context);
      const result = await chat.stream(asFunctions(request, loseTo(context.reportLoss)), context);
      const calls = new CustomCalls(names);
      return { ...result, frames: changeFrames(result.frames, (chunk) => calls.change(chunk)) };
    },
  };
}

function customNames({ tools }: ChatCompletionRequest): ReadonlySet<string> {
  return new Set((tools ?? []).flatMap((tool) => isCustom(tool) ? [nameOf(tool)] : []));
}

/** Anthropic's own word for what clients call is the same, without the object. */
function isCustom({ type, custom }: Loose): boolean {
  return type === "custom" && isObject(custom);
}

function nameOf({ custom }: Loose): string {
  return asText(asObject(custom).name);
}

function hasCustom({ messages }: ChatCompletionRequest, names: ReadonlySet<string>): boolean {
  return names.size > 0 || messages.some(({ tool_calls: calls }) => calls?.some(({ custom }) => custom));
}

function asFunctions(request: ChatCompletionRequest, lose: ReturnType<typeof loseTo>): ChatCompletionRequest {
  const { tools, tool_choice: choice } = request;
  return {
    ...request,
    messages: request.messages.map((message) => {
      const { tool_calls: calls } = message;
      return calls?.some(({ custom }) => custom)
        ? { ...message, tool_calls: calls.map(callOfFunction) }
        : message;
    }),
    ...(tools === undefined || tools === null ? {} : {
      tools: tools.map((tool, index) => {
        if (!isCustom(tool)) return tool;
        const detail = "a tool that takes plain text is offered as a function with one text argument";
        lose(`tools[${index}]`, "approximated", detail);
        return {
          type: "function",
          function: functionOf(asObject(tool.custom)),
          ...given("cache_control", tool.cache_control),
        };
      }),
    }),
    ...(isObject(choice) ? { tool_choice: choiceOfFunction(choice) } : {}),
  };
}

function functionOf({ name, description, format }: Loose): Loose {
  const { type, grammar } = asObject(format);
  const { syntax, definition } = asObject(grammar);
  const rule = type === "grammar"
    ? `The ${inputArgument} must follow this ${asText(syntax)} grammar:\n${asText(definition)}`
    : "";
  const said = [asText(description), rule].filter((text) => text !== "").join("\n\n");
  return {
    name,
    ...(said === "" ? {} : { description: said }),
    parameters: {
      type: "object",
      properties: { [inputArgument]: { type: "string" } },
      required: [inputArgument],
      additionalProperties: false,
    },
  };
}

function choiceOfFunction(choice: Loose): ToolChoice {
  if (isCustom(choice)) return { type: "function", function: { name: nameOf(choice) } };
  if (choice.type !== "allowed_tools") return choice as ToolChoice;
  const allowed = asObject(choice.allowed_tools);
  const tools = objectsOf(allowed.tools).map((tool) =>
    isCustom(tool) ? { type: "function", function: { name: nameOf(tool) } } : tool
  );
  return { ...choice, allowed_tools: { ...allowed, tools } } as ToolChoice;
}

function callOfFunction(call: ToolCall): ToolCall {
  const { custom, ...rest } = call;
  if (!isObject(custom)) return call;
  const input = wrapInput(asText(custom.input));
  return { ...rest, type: "function", function: { name: asText(custom.name), arguments: input } };
}

function customAnswer(body: ChatCompletion, names: ReadonlySet<string>): ChatCompletion {
  const toCustom = (call: ToolCall): ToolCall => {
    const { function: called, ...rest } = call;
    if (called === undefined || !names.has(called.name)) return call;
    return { ...rest, type: "custom", custom: { name: called.name, input: unwrapInput(called.arguments) } };
  };
  return {
    ...body,
    choices: body.choices.map((choice) => {
      const { tool_calls: calls } = choice.message;
      return calls === undefined
        ? choice
        : { ...choice, message: { ...choice.message, tool_calls: calls.map(toCustom) } };
    }),
  };
}

/** The calls of one stream that are the client's custom ones, by choice and number. */
class CustomCalls {
  readonly #names: ReadonlySet<string>;
  readonly #readers = new Map<string, InputReader>();

  constructor(names: ReadonlySet<string>) {
    this.#names = names;
  }

  change(chunk: ChatCompletionChunk): ChatCompletionChunk {
    return {
      ...chunk,
      choices: chunk.choices.map((choice) => {
        const calls = (choice.delta.tool_calls ?? []).map((call) => this.#call(call, choice.index));
        if (choice.finish_reason !== null) calls.push(...this.#rests(choice.index));
        return calls.length === 0 ? choice : { ...choice, delta: { ...choice.delta, tool_calls: calls } };
      }),
    };
  }

  #call(call: ToolCallDelta, choice: number): ToolCallDelta {
    const { function: called, ...rest } = call;
    const key = `${choice} ${call.index}`;
    const name = called?.name;
    const begins = name !== undefined && this.#names.has(name);
    if (begins) this.#readers.set(key, new InputReader());
    const reader = this.#readers.get(key);
    if (reader === undefined) return call;
    const input = reader.push(called?.arguments ?? "");
    return begins ? { ...rest, type: "custom", custom: { name, input } } : { ...rest, custom: { input } };
  }

  /** Arguments that hold no text as the schema says; they come late, but whole. */
  #rests(choice: number): ToolCallDelta[] {
    return [...this.#readers].flatMap(([key, reader]) => {
      const [of, index] = key.split(" ").map(Number);
      const input = of === choice ? reader.rest() : "";
      return input === "" ? [] : [{ index: index!, custom: { input } }];
    });
  }
}
