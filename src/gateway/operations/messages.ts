import type { CallContext, Provider } from "../../plugin/api/provider.ts";
import { UpstreamError } from "../../plugin/api/upstream-error.ts";
import type { Message, MessagesRequest } from "../../schema/message.ts";
import { chatToMessage } from "../messages/from-chat.ts";
import { MessageEventEncoder } from "../messages/message-event-encoder.ts";
import { MessageEventNormaliser } from "../messages/message-event-normaliser.ts";
import { withoutUnsigned } from "../messages/own-reasoning.ts";
import { chatUsage } from "../messages/stop-reason.ts";
import { messagesToChat } from "../messages/to-chat.ts";
import type { ToChatOptions } from "../messages/to-chat-options.ts";
import { normaliseChatCompletion } from "../normalise/chat-completion.ts";
import { DialectAnswerEditor, messagesAnswer } from "../stages/answer-editor.ts";
import { DialectPromptEditor } from "../stages/prompt-editor.ts";
import { messagesPrompt } from "../stages/messages-prompt.ts";
import type { NormalisedWhole, Operation, RequestSummary } from "../operation.ts";
import { chatOf, measureChat } from "./chat.ts";
import { contentTokens, tokensOf } from "./prompt-size.ts";

/** Every message costs a few tokens of framing. */
const tokensPerMessage = 4;

/** `POST /v1/messages`, Anthropic's protocol. */
export const messagesOperation: Operation<MessagesRequest> = {
  name: "messages",
  isCacheable: true,
  summarise: summariseMessages,
  prompt: promptOfMessages,
  protocolHeaders,

  async complete(provider, body, context, options) {
    loseHeaders(provider, context);
    if (provider.messages !== undefined) {
      const { body: message, text } = await provider.messages.complete(
        withoutUnsigned(body, context.reportLoss),
        context,
      );
      return measureMessage(message, text, options.forcedModel);
    }
    const request = messagesToChat(body, chatOptions(provider, context));
    const { body: answer } = await chatOf(provider).complete(request, context);
    const measured = measureChat(normaliseChatCompletion(answer, options));
    return { ...measured, body: chatToMessage(measured.body) };
  },

  async stream(provider, body, context, options) {
    loseHeaders(provider, context);
    if (provider.messages !== undefined) {
      const { frames } = await provider.messages.stream(withoutUnsigned(body, context.reportLoss), context);
      return { frames, normaliser: new MessageEventNormaliser(options) };
    }
    const request = messagesToChat(body, chatOptions(provider, context));
    const { frames } = await chatOf(provider).stream(request, context);
    return { frames, normaliser: new MessageEventEncoder(options, summariseMessages(body).promptTokens) };
  },

  editPrompt: (body) => new DialectPromptEditor(messagesPrompt, body),
  editAnswer: (body) => new DialectAnswerEditor(messagesAnswer, body as Message),
  framing: "named",
};

function chatOptions(provider: Provider, { reportLoss }: CallContext): ToChatOptions {
  const { reasoningReplay, cacheMarks = false, fileAddresses = false } = provider;
  return { reasoningReplay, cacheMarks, fileAddresses, reportLoss };
}

/** Tells of the headers that a backend is not sent. */
function loseHeaders(provider: Provider, { protocolHeaders: headers = {}, reportLoss }: CallContext): void {
  for (const field of attributions) {
    if (headers[field] === undefined) continue;
    reportLoss({ field, effect: "dropped", detail: "the gateway asks with a credential of its own" });
  }
  if (provider.messages !== undefined || !headers["anthropic-beta"]) return;
  reportLoss({
    field: "anthropic-beta",
    effect: "dropped",
    detail: "this backend speaks another protocol, which has no such features",
  });
}

/** Headers that say for whom a request is made; the gateway asks with credentials of its own, so they go nowhere. */
const attributions = ["anthropic-user-profile-id", "anthropic-workspace-id"];

/** The headers that Anthropic's own API reads; clients choose features by them. */
export function protocolHeaders(headers: Headers): Record<string, string> {
  return Object.fromEntries(
    ["anthropic-version", "anthropic-beta", ...attributions].flatMap((name) => {
      const value = headers.get(name);
      return value === null ? [] : [[name, value]];
    }),
  );
}

export function summariseMessages(body: MessagesRequest): RequestSummary {
  let promptTokens = contentTokens(body.system);
  let needsVision = false;
  for (const { content } of body.messages) {
    promptTokens += tokensPerMessage + contentTokens(content);
    if (Array.isArray(content)) needsVision ||= content.some(({ type }) => type === "image");
  }
  const tools = body.tools ?? [];
  if (tools.length > 0) promptTokens += tokensOf(JSON.stringify(tools).length);
  const format = body.output_config?.format as { readonly type?: unknown } | null | undefined;
  return {
    promptTokens,
    maxOutputTokens: body.max_tokens,
    needsTools: tools.length > 0,
    needsVision,
    needsJsonSchema: format?.type === "json_schema",
    user: body.metadata?.user_id ?? undefined,
  };
}

export function promptOfMessages(body: MessagesRequest): string {
  const tools = body.tools?.length ? JSON.stringify(body.tools) : "";
  const system = body.system ? JSON.stringify(body.system) : "";
  return `${tools}${system}` +
    body.messages.map(({ role, content }) =>
      `\u0000${role}\u0000${typeof content === "string" ? content : JSON.stringify(content)}`
    ).join("");
}

function measureMessage(
  message: Message,
  text: string | undefined,
  forcedModel: string | undefined,
): NormalisedWhole {
  if (typeof message !== "object" || message === null || !Array.isArray(message.content)) {
    throw new UpstreamError({ kind: "bad_response", message: "The backend's answer has no content." });
  }
  const usage = chatUsage(message.usage);
  const outputCharacters = JSON.stringify(message.content).length;
  if (forcedModel !== undefined && forcedModel !== message.model) {
    return { body: { ...message, model: forcedModel }, usage, outputCharacters };
  }
  return { body: message, ...(text === undefined ? {} : { text }), usage, outputCharacters };
}
