import { UpstreamError } from "../../plugin/api/upstream-error.ts";
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionRequest,
} from "../../schema/chat-completion.ts";
import { ChatChunkNormaliser } from "../normalise/chat-chunk-normaliser.ts";
import { normaliseChatCompletion } from "../normalise/chat-completion.ts";
import type { Operation } from "../operation.ts";
import { contentTokens, tokensOf } from "./prompt-size.ts";

/** Every message costs a few tokens of framing (OpenAI's cookbook counts 3 to 4). */
const tokensPerMessage = 4;

/** `POST /v1/chat/completions`. */
export const chatOperation: Operation<ChatCompletionRequest, ChatCompletion, ChatCompletionChunk> = {
  name: "chat",

  summarise(body) {
    let promptTokens = 0;
    let needsVision = false;
    for (const message of body.messages) {
      promptTokens += tokensPerMessage + contentTokens(message.content);
      if (message.tool_calls) promptTokens += tokensOf(JSON.stringify(message.tool_calls).length);
      if (Array.isArray(message.content)) {
        needsVision ||= message.content.some((part) => part.type === "image_url");
      }
    }
    const tools = body.tools ?? [];
    if (tools.length > 0) promptTokens += tokensOf(JSON.stringify(tools).length);
    const safetyIdentifier = body.safety_identifier;
    return {
      promptTokens,
      maxOutputTokens: body.max_completion_tokens ?? body.max_tokens ?? undefined,
      needsTools: tools.length > 0,
      needsVision,
      needsJsonSchema: body.response_format?.type === "json_schema",
      user: body.user ?? (typeof safetyIdentifier === "string" ? safetyIdentifier : undefined),
    };
  },

  prompt(body) {
    const tools = body.tools?.length ? JSON.stringify(body.tools) : "";
    return tools + body.messages.map((message) => {
      const content = typeof message.content === "string"
        ? message.content
        : JSON.stringify(message.content ?? "");
      const calls = message.tool_calls ? JSON.stringify(message.tool_calls) : "";
      return `\u0000${message.role}\u0000${content}${calls}`;
    }).join("");
  },

  complete(provider, body, context) {
    if (provider.chat === undefined) throw unsupported("chat completions");
    return provider.chat.complete(body, context);
  },

  stream(provider, body, context) {
    if (provider.chat === undefined) throw unsupported("chat completions");
    return provider.chat.stream(body, context);
  },

  normaliser: (options) => new ChatChunkNormaliser(options),
  framing: "data",

  normalise(whole, _body, options) {
    const body = normaliseChatCompletion(whole, options);
    let outputCharacters = 0;
    for (const { message } of body.choices) {
      outputCharacters += message.content?.length ?? 0;
      if (message.tool_calls) outputCharacters += JSON.stringify(message.tool_calls).length;
    }
    return { body, usage: body.usage, outputCharacters };
  },
};

/** The planner removes targets without the capability, so this is a defect of ours or of a plugin. */
function unsupported(what: string): UpstreamError {
  return new UpstreamError({ kind: "bad_response", message: `The provider has no ${what}.` });
}
