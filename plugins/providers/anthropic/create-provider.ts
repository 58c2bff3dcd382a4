import type {
  CallContext,
  ChatCapability,
  ChatCompletionRequest,
  Message,
  MessageEvent,
  MessagesCapability,
  PluginHost,
  Provider,
  TokenCount,
} from "intellirouter/plugin";
import { translateFrames } from "intellirouter/plugin";
import { fanOut } from "../fan-out.ts";
import { withCustomTools } from "../hub/custom-tools.ts";
import { fetchInlineFiles } from "../hub/inline-files.ts";
import { withLegacyFunctions } from "../hub/legacy-functions.ts";
import type { Loose } from "../hub/loose.ts";
import type { AnswerContext } from "./answer.ts";
import { type AnthropicClient, createAnthropicClient } from "./anthropic-client.ts";
import { decodeMessage } from "./decode.ts";
import { encodeRequest, isFetchedHere } from "./encode.ts";
import { anthropicFidelity } from "./fidelity.ts";
import { listAnthropicModels } from "./model-list.ts";
import type { AnthropicOptions } from "./options.ts";
import { MessageDecoder } from "./stream.ts";
import { wholeAsEvents } from "./whole-message.ts";

/** A provider for what speaks Anthropic's Messages protocol. */
export function createAnthropic(options: AnthropicOptions, host: PluginHost): Provider {
  const anthropic = createAnthropicClient(options, host);
  return {
    chat: fanOut(withLegacyFunctions(withCustomTools(createChat(anthropic, options, host)))),
    messages: createMessages(anthropic),
    reasoningReplay: "details",
    cacheMarks: true,
    fileAddresses: true,
    fidelity: anthropicFidelity,
    listModels: (context) =>
      listAnthropicModels(anthropic.modelsUrl, (url, each) => anthropic.client.get(url, each), context),
  };
}

/** What a client of the same protocol asks and gets goes through as it is. */
function createMessages({ client, messagesUrl, countTokensUrl }: AnthropicClient): MessagesCapability {
  return {
    complete: (request, context) => client.ask<Message>(messagesUrl, request, context),
    stream: (request, context) =>
      client.stream<MessageEvent>(
        messagesUrl,
        request,
        context,
        isLast,
        (answer) => wholeAsEvents(answer) as MessageEvent[],
      ),
    countTokens: (request, context) => client.ask<TokenCount>(countTokensUrl, request, context),
  };
}

function createChat(
  { client, messagesUrl }: AnthropicClient,
  options: AnthropicOptions,
  host: PluginHost,
): ChatCapability {
  const encode = async (request: ChatCompletionRequest, stream: boolean, context: CallContext) => {
    const files = await fetchInlineFiles(request, isFetchedHere, host, context.signal);
    const { reportLoss } = context;
    const { body, answerTool } = encodeRequest(request, { options, files, stream, reportLoss });
    const created = Math.floor(host.now() / 1000);
    const answer: AnswerContext = { answerTool, created, model: request.model, reportLoss };
    return { body, answer };
  };
  return {
    async complete(request, context) {
      const { body, answer } = await encode(request, false, context);
      const { body: message, headers } = await client.ask<unknown>(messagesUrl, body, context);
      return { body: decodeMessage(message, answer), ...(headers === undefined ? {} : { headers }) };
    },
    async stream(request, context) {
      const { body, answer } = await encode(request, true, context);
      const { frames, headers } = await client.stream<Loose>(
        messagesUrl,
        body,
        context,
        isLast,
        wholeAsEvents,
      );
      return {
        frames: translateFrames(frames, new MessageDecoder(answer)),
        ...(headers === undefined ? {} : { headers }),
      };
    },
  };
}

/** The connection may stay open after it. */
function isLast({ type }: Loose): boolean {
  return type === "message_stop";
}
