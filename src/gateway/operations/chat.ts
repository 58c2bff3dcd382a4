import { UpstreamError } from "../../plugin/api/upstream-error.ts";
import type { ChatCapability, Provider } from "../../plugin/api/provider.ts";
import type { ChatCompletion, ChatCompletionRequest } from "../../schema/chat-completion.ts";
import { ChatChunkNormaliser } from "../normalise/chat-chunk-normaliser.ts";
import { normaliseChatCompletion } from "../normalise/chat-completion.ts";
import type { NormalisedWhole, Operation } from "../operation.ts";
import { chatAnswer, DialectAnswerEditor } from "../stages/answer-editor.ts";
import { DialectPromptEditor } from "../stages/prompt-editor.ts";
import { chatPrompt } from "../stages/chat-prompt.ts";
import { contentTokens, tokensOf } from "./prompt-size.ts";

/** Every message costs a few tokens of framing (OpenAI's cookbook counts 3 to 4). */
const tokensPerMessage = 4;

/** `POST /v1/chat/completions`. */
export const chatOperation: Operation<ChatCompletionRequest> = {
  name: "chat",
  isCacheable: true,

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
      // Backends differ in which of the two they heed.
      maxOutputTokens: larger(body.max_completion_tokens, body.max_tokens),
      choices: body.n ?? 1,
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

  async complete(provider, body, context, options) {
    const { body: answer } = await chatOf(provider).complete(body, context);
    return measureChat(normaliseChatCompletion(answer, options));
  },

  async stream(provider, body, context, options) {
    const { frames, hasBegun } = await chatOf(provider).stream(body, context);
    return { frames, hasBegun, normaliser: new ChatChunkNormaliser(options) };
  },

  editPrompt: (body) => new DialectPromptEditor(chatPrompt, body),
  editAnswer: (body) => new DialectAnswerEditor(chatAnswer, body as ChatCompletion),
  limitOutput: (body, tokens) => ({ ...body, max_completion_tokens: tokens }),
  framing: "data",
};

/** @throws {UpstreamError} never in practice: the planner removes targets without the capability. */
export function chatOf(provider: Provider): ChatCapability {
  if (provider.chat !== undefined) return provider.chat;
  throw new UpstreamError({ kind: "bad_response", message: "The provider has no chat completions." });
}

/** A whole answer with what the books need of it. */
export function measureChat(body: ChatCompletion): NormalisedWhole & { readonly body: ChatCompletion } {
  let outputCharacters = 0;
  for (const { message } of body.choices) {
    outputCharacters += message.content?.length ?? 0;
    if (message.tool_calls) outputCharacters += JSON.stringify(message.tool_calls).length;
  }
  return { body, usage: body.usage, outputCharacters };
}

function larger(one: number | null | undefined, other: number | null | undefined): number | undefined {
  const given = [one, other].filter((limit) => typeof limit === "number");
  return given.length === 0 ? undefined : Math.max(...given);
}
