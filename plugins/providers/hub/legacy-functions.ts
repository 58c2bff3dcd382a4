import type {
  ChatCapability,
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionRequest,
  ChatMessage,
} from "intellirouter/plugin";
import { changeFrames } from "./change-frames.ts";
import { asObject, asText } from "./loose.ts";

/**
 * Serves the protocol's first form of tools, `functions` and `function_call`, by its second. Clients of the first get their answer in
 * it: a `function_call` in the message, and that word as the reason for the end.
 */
export function withLegacyFunctions(chat: ChatCapability): ChatCapability {
  return {
    async complete(request, context) {
      if (!isLegacy(request)) return chat.complete(request, context);
      const result = await chat.complete(modernise(request), context);
      if (!Array.isArray(request.functions)) return result;
      return { ...result, body: oldAnswer(result.body) };
    },
    async stream(request, context) {
      if (!isLegacy(request)) return chat.stream(request, context);
      const result = await chat.stream(modernise(request), context);
      if (!Array.isArray(request.functions)) return result;
      return { ...result, frames: changeFrames(result.frames, oldChunk) };
    },
  };
}

function isLegacy(request: ChatCompletionRequest): boolean {
  return "functions" in request || "function_call" in request ||
    request.messages.some((message) => message.role === "function" || message.function_call);
}

function modernise(request: ChatCompletionRequest): ChatCompletionRequest {
  const { functions, function_call: choice, ...rest } = request;
  const tools = Array.isArray(functions)
    ? functions.map((each) => ({ type: "function", function: asObject(each) }))
    : [];
  const named = asObject(choice).name;
  const toolChoice = typeof choice === "string" ? choice : named === undefined ? undefined : {
    type: "function",
    function: { name: named },
  };
  return {
    ...rest,
    messages: moderniseMessages(request.messages),
    // The first form knew one call at a time.
    ...(tools.length === 0 ? {} : { tools: [...rest.tools ?? [], ...tools], parallel_tool_calls: false }),
    ...(toolChoice === undefined ? {} : { tool_choice: toolChoice }),
  };
}

/** Calls had no ids; a result belongs to the last call of its function. */
function moderniseMessages(messages: readonly ChatMessage[]): ChatMessage[] {
  const ids = new Map<string, string>();
  return messages.map((message, index) => {
    const { function_call: call, ...rest } = message;
    if (message.role === "function") {
      const name = message.name ?? "";
      const { name: _name, ...result } = rest;
      return { ...result, role: "tool", tool_call_id: ids.get(name) ?? `call_${index}` };
    }
    if (!call) return message;
    const { name, arguments: input } = asObject(call);
    const id = `call_${index}`;
    ids.set(asText(name), id);
    const made = { id, type: "function", function: { name: asText(name), arguments: asText(input) } };
    return { ...rest, tool_calls: [...message.tool_calls ?? [], made] };
  });
}

function oldAnswer(body: ChatCompletion): ChatCompletion {
  return {
    ...body,
    choices: body.choices.map((choice) => {
      const { tool_calls: calls, ...message } = choice.message;
      const [call] = calls ?? [];
      if (call === undefined) return choice;
      return {
        ...choice,
        message: { ...message, function_call: call.function },
        finish_reason: choice.finish_reason === "tool_calls" ? "function_call" : choice.finish_reason,
      };
    }),
  };
}

function oldChunk(chunk: ChatCompletionChunk): ChatCompletionChunk {
  return {
    ...chunk,
    choices: chunk.choices.map((choice) => {
      const { tool_calls: calls, ...delta } = choice.delta;
      const call = calls?.find(({ index }) => index === 0);
      return {
        ...choice,
        delta: call === undefined ? delta : { ...delta, function_call: call.function },
        finish_reason: choice.finish_reason === "tool_calls" ? "function_call" : choice.finish_reason,
      };
    }),
  };
}
